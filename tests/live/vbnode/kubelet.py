# SPDX-License-Identifier: Apache-2.0
"""A pod manifest as kubelet hands it to the runtime: what `vambrace explain` has to foresee.

    with kubelet.pod(cri, node, manifest) as pod:
        for spec in kubelet.containers(manifest):
            container = kubelet.run(cri, pod, manifest, spec)
"""
import contextlib

from .cri import Mount, Security, UserNs

_STATE = "/var/lib/kubelet/explained"
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def containers(manifest):
    """The container entries of a pod in the order in which kubelet starts them."""
    spec = manifest["spec"]
    return [entry for key in ("initContainers", "containers", "ephemeralContainers")
            for entry in spec.get(key, [])]


@contextlib.contextmanager
def pod(cri, node, manifest):
    """The sandbox of the pod for the length of a `with` block."""
    spec, metadata = manifest["spec"], manifest["metadata"]
    paths = [_host_path(volume) for volume in spec.get("volumes", [])]
    node.run(["mkdir", "-p", f"{_STATE}/token", *paths])
    node.run(["touch", f"{_STATE}/hosts", f"{_STATE}/termination-log"])
    with cri.pod(metadata["name"], namespace=metadata["namespace"],
                 annotations=metadata["annotations"], handler=spec.get("runtimeClassName", ""),
                 userns=None if spec.get("hostUsers", True) else UserNs(),
                 privileged=any(_context(manifest, entry).get("privileged")
                                for entry in containers(manifest))) as sandbox:
        yield sandbox


def create(cri, sandbox, manifest, entry, attempt=0):
    """CreateContainer for one entry of the manifest; returns the Container."""
    return cri.create_container(
        sandbox, entry["name"], entry["image"], entry["command"],
        env={variable["name"]: variable["value"] for variable in entry.get("env", [])},
        security=_security(_context(manifest, entry)), mounts=_mounts(manifest, entry),
        attempt=attempt)


def as_manifest(text):
    """A text with the directories of kubelet called as explain, which cannot know them, does."""
    for path, words in (("token", "token of the service account"),
                        ("termination-log", "termination log of the container")):
        text = text.replace(f"({_STATE}/{path})", f"({words})")
    return text


def _context(manifest, entry):
    return {**manifest["spec"].get("securityContext", {}), **entry.get("securityContext", {})}


def _security(context):
    profile = context.get("seccompProfile", {"type": None})
    capabilities = context.get("capabilities", {})
    return Security(
        privileged=context.get("privileged", False),
        caps_add=tuple(capabilities.get("add", ())), caps_drop=tuple(capabilities.get("drop", ())),
        run_as_user=context.get("runAsUser"),
        run_as_group=context.get("runAsGroup"),
        no_new_privs=not context.get("allowPrivilegeEscalation", True),
        readonly_rootfs=context.get("readOnlyRootFilesystem", False), seccomp=profile["type"])


def _host_path(volume):
    return volume.get("hostPath", {}).get("path", f"{_STATE}/volume-{volume['name']}")


def _mounts(manifest, entry):
    volumes = {volume["name"]: volume for volume in manifest["spec"].get("volumes", [])}
    mounts = [Mount(mount["mountPath"], _host_path(volumes[mount["name"]]),
                    readonly=mount.get("readOnly", False))
              for mount in entry.get("volumeMounts", [])]
    mounts += [Mount("/etc/hosts", f"{_STATE}/hosts"),
               Mount(entry.get("terminationMessagePath", "/dev/termination-log"),
                     f"{_STATE}/termination-log")]
    # Admission puts the token into pods as they are made, which ephemeral containers come after.
    if (manifest["spec"].get("automountServiceAccountToken", True)
            and entry not in manifest["spec"].get("ephemeralContainers", [])):
        mounts.append(Mount(_TOKEN, f"{_STATE}/token", readonly=True))
    return mounts
