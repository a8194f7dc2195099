# SPDX-License-Identifier: Apache-2.0
"""A pod manifest as kubelet hands it to the runtime: what `vambrace explain` has to foresee.

    with kubelet.pod(cri, node, manifest) as pod:
        for spec in kubelet.containers(manifest):
            container = kubelet.run(cri, pod, manifest, spec)
"""
import contextlib
import itertools
import shutil

from .cri import Mount, Security, UserNs

_STATE = "/var/lib/kubelet/explained"
_SUFFIXES = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
_PROPAGATION = {"None": "private", "HostToContainer": "host-to-container",
                "Bidirectional": "bidirectional"}
_numbers = itertools.count(1)
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def containers(manifest):
    """The container entries of a pod in the order in which kubelet starts them."""
    spec = manifest["spec"]
    return [entry for key in ("initContainers", "containers", "ephemeralContainers")
            for entry in spec.get(key, [])]


@contextlib.contextmanager
def pod(cri, node, manifest, config_maps=(), *, host_network=True):
    """The sandbox of the pod for the length of a `with` block. `config_maps` are the objects that
    its volumes take files from."""
    spec, metadata = manifest["spec"], manifest["metadata"]
    prepare(node, manifest)
    publish(node, manifest, config_maps)
    with cri.pod(metadata["name"], namespace=metadata["namespace"],
                 annotations=metadata.get("annotations"), handler=spec.get("runtimeClassName", ""),
                 userns=None if spec.get("hostUsers", True) else UserNs(),
                 host_network=host_network, host_pid=spec.get("hostPID", False),
                 privileged=any(_context(manifest, entry).get("privileged")
                                for entry in containers(manifest))) as sandbox:
        yield sandbox


def prepare(node, manifest):
    """Makes the files and directories that the pod's mounts come from."""
    paths = [host_path(volume) for volume in manifest["spec"].get("volumes", [])
             if volume.get("hostPath", {}).get("type") != "Directory"]
    node.run(["mkdir", "-p", f"{_STATE}/token", *paths])
    node.run(["touch", f"{_STATE}/hosts", f"{_STATE}/termination-log"])


def publish(node, manifest, config_maps):
    """Brings the files of ConfigMaps into the projected volumes of a pod, running or not: into a
    directory of their own, to which one link leads that is replaced at once."""
    data = {entry["metadata"]["name"]: entry["data"] for entry in config_maps}
    for volume in manifest["spec"].get("volumes", []):
        if "projected" not in volume:
            continue
        root = node.host_path(host_path(volume))
        root.chmod(0o777)
        fresh = root / f"..{next(_numbers)}"
        for source in volume["projected"]["sources"]:
            files = data[source["configMap"]["name"]]
            items = source["configMap"].get("items", [{"key": key, "path": key} for key in files])
            for item in items:
                path = fresh / item["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(files[item["key"]], encoding="utf-8")
        for name in sorted(path.name for path in fresh.iterdir()):
            if not (root / name).is_symlink():
                (root / name).symlink_to(f"..data/{name}")
        (root / "..data_tmp").symlink_to(fresh.name)
        (root / "..data_tmp").rename(root / "..data")
        for old in set(root.glob("..[0-9]*")) - {fresh}:
            shutil.rmtree(old)


def create(cri, sandbox, manifest, entry, attempt=0):
    """CreateContainer for one entry of the manifest; returns the Container."""
    return cri.create_container(
        sandbox, entry["name"], entry["image"], entry.get("command", ()), entry.get("args", ()),
        env={variable["name"]: variable["value"] for variable in entry.get("env", [])},
        security=_security(_context(manifest, entry)), mounts=_mounts(manifest, entry),
        resources=_resources(entry), attempt=attempt)


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


def _resources(entry):
    limit = entry.get("resources", {}).get("limits", {}).get("memory")
    if limit is None:
        return None
    number = limit.rstrip("KMGi")
    return {"memory_limit_in_bytes": int(number) * _SUFFIXES[limit[len(number):]]}


def host_path(volume):
    """Where on the node a volume of a manifest is."""
    return volume.get("hostPath", {}).get("path", f"{_STATE}/volume-{volume['name']}")


def _mounts(manifest, entry):
    volumes = {volume["name"]: volume for volume in manifest["spec"].get("volumes", [])}
    mounts = [Mount(mount["mountPath"], host_path(volumes[mount["name"]]),
                    readonly=mount.get("readOnly", False),
                    propagation=_PROPAGATION[mount.get("mountPropagation", "None")])
              for mount in entry.get("volumeMounts", [])]
    mounts += [Mount("/etc/hosts", f"{_STATE}/hosts"),
               Mount(entry.get("terminationMessagePath", "/dev/termination-log"),
                     f"{_STATE}/termination-log")]
    # Admission puts the token into pods as they are made, which ephemeral containers come after.
    if (manifest["spec"].get("automountServiceAccountToken", True)
            and entry not in manifest["spec"].get("ephemeralContainers", [])):
        mounts.append(Mount(_TOKEN, f"{_STATE}/token", readonly=True))
    return mounts
