# SPDX-License-Identifier: Apache-2.0
"""The pods of test_explain.py: what is on the node, what each pod is, and what becomes of it.

`expect` names for each container what happens: "planned", "untouched", or the code of the refusal.
"start:<Code>" is a refusal that only the hook can know, with what it finds in the image: explain
names it as an assumption. Annotation values may hold {digest:<bundle>}, a bundle's digest.
"""
from test_hardening import ARM, ATTACK

PROFILES = "/etc/vambrace/profiles"
DENY_ONE = {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["getpgid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}
DOCKER = {"defaultAction": "SCMP_ACT_ALLOW",
          "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": []},
                      {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": []}],
          "syscalls": [{"names": ["getsid"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13,
                        "excludes": {"caps": ["CAP_NET_RAW"]}}]}

BUNDLES = {
    "arm": ARM,
    "base": {"capabilities": {"drop": ["NET_RAW"]},
             "rlimits": [{"type": "NOFILE", "soft": 64, "hard": 64}],
             "seccomp": {"profile": "starter", "spec_allow": "mitigate"}},
    "leg": {"capabilities": {"drop": ["CHOWN"]},
            "rlimits": [{"type": "NOFILE", "soft": 32, "hard": 128}],
            "tmpfs": [{"path": "/srv", "size": "1Mi"}]},
    "camera": {"seccomp": {"profile": "camera"}},
    "lost-profile": {"seccomp": {"profile": "gone"}},
    "wide": {"seccomp": {"profile": "starter", "spec_allow": "allow"}},
    "strict": {"preload": {"exec_allowlist": ["/bin/allowed"], "require": True}},
    "carried": {"tmpfs": [{"path": "/tmp"}], "preload": {"exec_allowlist": ["/bin/allowed"]}},
    "empty-lists": {"preload": {"exec_allowlist": [], "connect_allowlist": []}},
    "broken": {"rlimits": [{"type": "NOFILES", "soft": 1, "hard": 1}]},
}
BUNDLED_PROFILES = {"camera": {"camera": DENY_ONE, "docker": DOCKER}}
SIGNED = {"signed": "release", "forged": "stranger"}
NODE_PROFILES = {f"{PROFILES}/site.json": DENY_ONE, f"{PROFILES}/bad.json": {"defaultAction": "NO"}}


def config(digests, trusted_keys):
    """The node config: rules by namespace."""
    return {"profile_dirs": [PROFILES], "trusted_keys": trusted_keys, "rules": [
        {"namespaces": ["robots"], "bundles": ["leg", "carr*"], "default": "leg", "floor": "base"},
        {"namespaces": ["free"], "permit": ["seccomp-opt-out", "spec-allow"]},
        {"namespaces": ["closed"], "bundles": []},
        {"namespaces": ["carried"], "default": "carried"},
        {"namespaces": ["pinned"], "default": f"leg@{digests['leg']}",
         "floor": f"base@{digests['base']}"},
        {"namespaces": ["mispinned"], "default": "leg@sha256:" + "0" * 64},
        {"namespaces": ["floor-mispinned"], "floor": "base@sha256:" + "0" * 64},
        {"namespaces": ["floor-gone"], "floor": "nonesuch"}]}


def container(name="main", command=("/bin/attack", "--wait"), **entry):
    """One container of a manifest."""
    return {"name": name, "image": ATTACK, "command": list(command), **entry}


def case(expect, annotations=None, *, handler="vambrace", namespace="default", containers=None,
         **spec):
    """A pod; keys are without .vambrace.dev, which is put before a /. `plain` is a handler that
    is none of ours, "" the node's default."""
    def key(short):
        name, slash, rest = short.partition("/")
        return f"{name}.vambrace.dev{slash}{rest}"

    return {"expect": expect if isinstance(expect, dict) else {"main": expect},
            "metadata": {"namespace": namespace,
                         "annotations": {key(short): value
                                         for short, value in (annotations or {}).items()}},
            "spec": {**({"runtimeClassName": handler} if handler else {}),
                     "securityContext": {"seccompProfile": {"type": "Unconfined"}},
                     "containers": containers or [container()], **spec}}


def main(**entry):
    """A list with the container `main`."""
    return [container(**entry)]


OPT_OUT = {"seccomp": "opt-out", "seccomp-opt-out-reason": "an strace"}
DATA = {"volumes": [{"name": "data", "hostPath": {"path": "/srv/data"}}]}
LONG = "a-name-of-more-than-fifty-three-characters-has-no-suffix"

PODS = {
    # Which containers there are, and as whom they run.
    "a bundle": case("planned", {"bundle": "arm"}),
    "nothing asked": case("planned"),
    "init, sidecar and ephemeral": case(
        dict.fromkeys(["setup", "proxy", "main", "debugger"], "planned"), {"bundle": "arm"},
        initContainers=[container("setup"), container("proxy", restartPolicy="Always")],
        ephemeralContainers=[container("debugger", targetContainerName="main")]),
    "values for one container each": case(
        dict.fromkeys(["setup", "main", "debugger"], "planned"),
        {"cap-drop/container.setup": "MKNOD", "cap-drop/container.main": "CHOWN",
         "tmpfs/container.debugger": "/srv"},
        initContainers=[container("setup")], ephemeralContainers=[container("debugger")]),
    "a mistake for one container": case(
        dict.fromkeys(["setup", "main"], "ErrInvalidValue"),
        {"cap-drop/container.main": "NONESUCH"}, initContainers=[container("setup")]),
    "privileged": case("planned", {"bundle": "arm"},
                       containers=main(securityContext={"privileged": True})),
    "privileged and runtime-default": case(
        "start:ErrConflict", {"seccomp-profile": "runtime-default"},
        containers=main(securityContext={"privileged": True})),
    "runAsUser": case("planned", {"bundle": "arm"},
                      containers=main(securityContext={"runAsUser": 1000})),
    "runAsNonRoot": case("planned", {"bundle": "arm", "no-new-privileges": "true"},
                         securityContext={"runAsNonRoot": True, "runAsUser": 1000,
                                          "runAsGroup": 1000,
                                          "seccompProfile": {"type": "RuntimeDefault"}}),
    "hostUsers false": case("planned", {"bundle": "arm"}, hostUsers=False),
    "hostUsers false and refused": case("ErrBundleNotFound", {"bundle": "nonesuch"},
                                        hostUsers=False),
    "restricted": case("planned", {"bundle": "arm"}, containers=main(securityContext={
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsUser": 65534,
        "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"}})),
    # Handlers.
    "other handler, nothing asked": case("untouched", handler="plain"),
    "other handler, carried by annotations": case(
        "planned", {"tmpfs": "/tmp", "preload-exec-allowlist": "/bin/allowed"}, handler="plain"),
    "other handler, carried by a bundle": case("planned", {"bundle": "carried"}, handler="plain"),
    "other handler, capabilities": case("ErrHardeningRequiresRuntime", {"cap-drop": "ALL"},
                                        handler="plain"),
    "other handler, every layer": case("ErrHardeningRequiresRuntime", {"bundle": "arm"},
                                       handler="plain"),
    "other handler, require": case("ErrHardeningRequiresRuntime", {"preload": "require"},
                                   handler="plain"),
    "other handler, one container asks": case(
        {"main": "untouched", "side": "ErrHardeningRequiresRuntime", "cache": "planned"},
        {"cap-drop/container.side": "ALL", "tmpfs/container.cache": "/tmp"}, handler="plain",
        containers=[container(), container("side"), container("cache")]),
    "default handler, nothing asked": case("untouched", handler=""),
    "default handler, tmpfs": case("planned", {"tmpfs": "/tmp"}, handler=""),
    # Bundles.
    "pinned": case("planned", {"bundle": "arm@{digest:arm}"}),
    "wrong digest": case("ErrBundleDigest", {"bundle": "arm@sha256:" + "0" * 64}),
    "malformed digest": case("ErrInvalidValue", {"bundle": "arm@sha256:00"}),
    "missing bundle": case("ErrBundleNotFound", {"bundle": "nonesuch"}),
    "invalid bundle": case("ErrBundleInvalid", {"bundle": "broken"}),
    "signed bundle": case("planned", {"bundle": "signed"}),
    "signed and pinned bundle": case("planned", {"bundle": "signed@{digest:signed}"}),
    "signed by a stranger": case("ErrBundleSignature", {"bundle": "forged"}),
    "lists that are empty": case("planned", {"bundle": "empty-lists"}),
    "wider than the bundle": case("ErrConflict", {"bundle": "arm",
                                                  "preload-exec-allowlist": "/bin/sh"}),
    "tighter than the bundle": case("planned", {
        "bundle": "arm", "preload-connect-allowlist": "10.98.1.0/24:80", "cap-drop": "MKNOD"}),
    # Rules of the node.
    "floor and default": case("planned", namespace="robots"),
    "floor and a bundle": case("planned", {"bundle": "carried"}, namespace="robots"),
    "floor on another handler": case("ErrHardeningRequiresRuntime", handler="plain",
                                     namespace="robots"),
    "bundle that is not permitted": case("ErrNotPermitted", {"bundle": "arm"},
                                         namespace="robots"),
    "no bundle permitted": case("ErrNotPermitted", {"bundle": "arm"}, namespace="closed"),
    "default on another handler": case("planned", handler="plain", namespace="carried"),
    "default and floor by digest": case("planned", namespace="pinned"),
    "default of another digest": case("ErrBundleDigest", namespace="mispinned"),
    "floor of another digest": case("ErrBundleDigest", {"bundle": "leg"},
                                    namespace="floor-mispinned"),
    "floor that is missing": case("ErrBundleNotFound", namespace="floor-gone"),
    "opt-out without permit": case("ErrNotPermitted", OPT_OUT),
    "opt-out with permit": case("planned", {**OPT_OUT, "cap-drop": "MKNOD"}, namespace="free"),
    "opt-out without a reason": case("ErrInvalidValue", {"seccomp": "opt-out"}, namespace="free"),
    "opt-out against a bundle": case("ErrConflict", {**OPT_OUT, "bundle": "camera"},
                                     namespace="free"),
    "spec-allow allow without permit": case("ErrNotPermitted", {"spec-allow": "allow"}),
    "spec-allow allow of a bundle": case("ErrNotPermitted", {"bundle": "wide"}),
    "spec-allow mitigate over a bundle": case("planned", {"bundle": "wide",
                                                          "spec-allow": "mitigate"},
                                              namespace="free"),
    "spec-allow mitigate": case("planned", {"spec-allow": "mitigate"}),
    # Seccomp profiles.
    "starter": case("planned", {"seccomp-profile": "starter"}),
    "runtime-default": case("planned", {"seccomp-profile": "runtime-default"},
                            securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
    "runtime-default of an unconfined one": case("start:ErrConflict",
                                                 {"seccomp-profile": "runtime-default"}),
    "profile of the bundle": case("planned", {"bundle": "camera", "cap-drop": "NET_RAW"}),
    "profile of the bundle by annotation": case(
        "planned", {"bundle": "camera", "seccomp-profile": "docker", "cap-drop": "NET_RAW"},
        securityContext={"seccompProfile": {"type": "RuntimeDefault"}}),
    "profile that the bundle lacks": case("ErrProfileInvalid", {"bundle": "lost-profile"}),
    "profile by path": case("planned", {"seccomp-profile": f"{PROFILES}/site.json"}),
    "profile by path, outside": case("ErrNotPermitted", {"seccomp-profile": "/etc/passwd"}),
    "profile by path, invalid": case("ErrProfileInvalid",
                                     {"seccomp-profile": f"{PROFILES}/bad.json"}),
    "profile misspelt": case("ErrProfileInvalid", {"seccomp-profile": "startr"}),
    # Annotations.
    "per container": case("planned", {"cap-drop": "NET_RAW", "cap-drop/container.main": "MKNOD",
                                      "cap-drop/pod": "CHOWN"}),
    "container map": case({LONG: "planned", "main": "planned"}, {
        "containers": f'{{"{LONG}": {{"read-only-rootfs": "true", "tmpfs": "/tmp"}}}}'},
        containers=[container(LONG), container()]),
    "container map with a mistake": case(
        "ErrUnknownAnnotation", {"containers": '{"main": {"read-only-rotfs": "true"}}'}),
    "contradiction": case("ErrConflict", {"bundle": "arm", "tmpfs": "/tmp:size=1Mi"}),
    "unknown annotation": case("ErrUnknownAnnotation", {"tmpf": "/tmp"}),
    "empty value": case("ErrInvalidValue", {"cap-drop": ""}),
    "malformed value": case("ErrInvalidValue", {"preload-connect-allowlist": "example.org:80"}),
    # What the pod mounts and sets.
    "tmpfs beside a volume": case("planned", {"tmpfs": "/tmp"}, **DATA, containers=main(
        volumeMounts=[{"name": "data", "mountPath": "/data"}])),
    "tmpfs over a volume": case("ErrConflict", {"tmpfs": "/data/"}, **DATA, containers=main(
        volumeMounts=[{"name": "data", "mountPath": "/data"}])),
    "tmpfs in a read-only volume": case(
        "ErrConflict", {"tmpfs": "/data/cache"}, **DATA, containers=main(
            volumeMounts=[{"name": "data", "mountPath": "/data", "readOnly": True}])),
    "tmpfs over the token": case(
        "ErrConflict", {"tmpfs": "/var/run/secrets/kubernetes.io/serviceaccount"}),
    "tmpfs over the termination message": case(
        "ErrConflict", {"tmpfs": "/srv/message"},
        containers=main(terminationMessagePath="/srv/message")),
    "a list that the pod sets itself": case(
        "ErrConflict", {"preload-exec-allowlist": "/bin/allowed"}, containers=main(
            env=[{"name": "AUTONOMY_PRELOAD_EXEC_ALLOWLIST", "value": "/bin/sh"}])),
    "a list that the pod sets and nobody else": case(
        "planned", {"preload-connect-allowlist": "10.98.0.0/16:*"}, containers=main(
            env=[{"name": "AUTONOMY_PRELOAD_EXEC_ALLOWLIST", "value": "/bin/allowed"},
                 {"name": "LD_PRELOAD", "value": "libm.so.6"}])),
    "require on a dynamic program": case("planned", {"bundle": "strict"}),
    "require on a static program": case("start:ErrPreloadUncovered", {"bundle": "strict"},
                                        containers=main(command=["/bin/sleep", "60"])),
}
