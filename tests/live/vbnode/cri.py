# SPDX-License-Identifier: Apache-2.0
"""A CRI client that asks containerd for pods and containers as kubelet would.

    with cri.pod("talker", annotations={...}, handler="vambrace") as pod:
        container = cri.run_container(pod, "main", "vb.test/busybox:1", ["/bin/id"])
        result = container.wait()          # exit_code, reason, stdout, stderr
"""
import collections
import contextlib
import dataclasses
import fcntl
import itertools
import json
import pathlib
import time
import uuid

import grpc

from . import cri_messages

pb = cri_messages.load()

# What kubelet sends for every container that is not privileged.
MASKED_PATHS = ("/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi",
                "/sys/firmware", "/sys/devices/virtual/powercap")
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

POD_LOG_ROOT = "/var/log/pods"
RPC_TIMEOUT_S = 60

ExecResult = collections.namedtuple("ExecResult", "stdout stderr exit_code")
ContainerResult = collections.namedtuple("ContainerResult", "exit_code reason stdout stderr")

_RUNTIME_CALLS = (
    "Version", "Status", "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox", "ListPodSandbox",
    "PodSandboxStatus", "CreateContainer", "StartContainer", "StopContainer", "RemoveContainer", "ListContainers",
    "ContainerStatus", "UpdateContainerResources", "ExecSync")
_IMAGE_CALLS = ("ImageStatus",)
_PROPAGATION = {"private": pb.PROPAGATION_PRIVATE,
                "host-to-container": pb.PROPAGATION_HOST_TO_CONTAINER,
                "bidirectional": pb.PROPAGATION_BIDIRECTIONAL}


class CriError(Exception):
    """A refused call. `message` (and str()) is the runtime's text, unshortened; `code` the gRPC
    status name, e.g. "UNKNOWN"; `call` the name of the call."""

    def __init__(self, call, error):
        self.call = call
        self.code = error.code().name
        self.message = error.details()
        super().__init__(self.message)


@dataclasses.dataclass(frozen=True)
class Mount:
    """A volume as the CRI has it; `source` is a path of the node.
    propagation: "private", "host-to-container" or "bidirectional"."""
    destination: str
    source: str
    readonly: bool = False
    propagation: str = "private"
    recursive_readonly: bool = False


@dataclasses.dataclass(frozen=True)
class UserNs:
    """The id range of a pod with `hostUsers: false`: container ids 0.. to host ids `host_id`.."""
    host_id: int = 1 << 20
    length: int = 1 << 16

    def options(self):
        """The range as a UserNamespace message."""
        mapping = pb.IDMapping(host_id=self.host_id, container_id=0, length=self.length)
        return pb.UserNamespace(mode=pb.POD, uids=[mapping], gids=[mapping])


@dataclasses.dataclass(frozen=True)
class Security:
    """The securityContext of a container. seccomp: "RuntimeDefault", "Unconfined", an absolute
    path of a node file (type Localhost), or None to leave the field out. Capability names are
    without CAP_. Empty `masked_paths` and `readonly_paths` are procMount: Unmasked."""
    privileged: bool = False
    caps_add: tuple = ()
    caps_drop: tuple = ()
    run_as_user: int = None
    run_as_group: int = None
    supplemental_groups: tuple = ()
    no_new_privs: bool = False
    readonly_rootfs: bool = False
    seccomp: str = None
    masked_paths: tuple = MASKED_PATHS
    readonly_paths: tuple = READONLY_PATHS


class Container:
    """A created container: its `id`, `pod` id and `name`, and what can be asked of it."""

    def __init__(self, cri, pod, name, container_id):
        self.cri = cri
        self.pod = pod
        self.name = name
        self.id = container_id

    def start(self):
        """StartContainer; returns the container itself."""
        self.cri.start(self.id)
        return self

    def exec(self, command, timeout_s=20):
        """ExecSync, as a probe or `kubectl exec` would."""
        return self.cri.exec_sync(self.id, command, timeout_s)

    def status(self):
        """The ContainerStatus message."""
        return self.cri.container_status(self.id)

    def info(self):
        """The runtime's verbose view: `pid`, `runtimeSpec` (config.json) and more."""
        return self.cri.container_info(self.id)

    @property
    def pid(self):
        """The process id of the container's first process."""
        return self.info()["pid"]

    def spec(self):
        """The OCI config.json as containerd handed it to the runtime handler."""
        return self.info()["runtimeSpec"]

    def logs(self):
        """(stdout, stderr) so far."""
        return self.cri.logs(self.id)

    def wait(self, timeout_s=20):
        """Waits for the exit and returns a ContainerResult."""
        deadline = time.monotonic() + timeout_s
        while True:
            status = self.status()
            if status.state == pb.CONTAINER_EXITED:
                stdout, stderr = self.cri.whole_logs(self.id)
                return ContainerResult(status.exit_code, status.reason, stdout, stderr)
            if time.monotonic() > deadline:
                raise TimeoutError(f"container {self.name} still runs after {timeout_s} s; "
                                   f"logs: {self.logs()}")
            time.sleep(self.cri.poll_s)

    def wait_log(self, text, timeout_s=10):
        """Waits until stdout or stderr holds `text`; returns (stdout, stderr)."""
        deadline = time.monotonic() + timeout_s
        while True:
            logs = self.logs()
            if text in logs[0] or text in logs[1]:
                return logs
            if time.monotonic() > deadline:
                raise TimeoutError(f"container {self.name} has not printed {text!r}: {logs}")
            time.sleep(self.cri.poll_s)

    def stop(self, grace_s=0):
        """StopContainer."""
        self.cri.stop(self.id, grace_s)

    def remove(self):
        """RemoveContainer, running or not."""
        self.cri.remove(self.id)


class Cri:
    """The client of containerd at a socket's path, or at a "host:port" that leads there.
    `log_root` is where the host sees the node's /var/log/pods."""

    poll_s = 0.02  # between two looks at a container

    def __init__(self, socket, log_root=None):
        self._log_root = pathlib.Path(log_root) if log_root else pathlib.Path(POD_LOG_ROOT)
        target = str(socket) if ":" in str(socket) else f"unix:{socket}"
        self._channel = grpc.insecure_channel(target, options=[
            # containerd restarts in tests; the default backoff would cost whole seconds.
            ("grpc.initial_reconnect_backoff_ms", 50), ("grpc.min_reconnect_backoff_ms", 500),
            ("grpc.max_reconnect_backoff_ms", 200), ("grpc.enable_http_proxy", 0),
            # Pods with large annotations, many of them in one list.
            ("grpc.max_receive_message_length", 64 << 20)])
        self._calls = {}
        for service, names in (("RuntimeService", _RUNTIME_CALLS), ("ImageService", _IMAGE_CALLS)):
            for name in names:
                self._calls[name] = self._channel.unary_unary(
                    f"/runtime.v1.{service}/{name}",
                    request_serializer=getattr(pb, f"{name}Request").SerializeToString,
                    response_deserializer=getattr(pb, f"{name}Response").FromString)
        self._pods = {}
        self._log_files = {}
        self._numbers = itertools.count(1)

    def close(self):
        """Closes the connection; pods stay as they are."""
        self._channel.close()

    def call(self, name, timeout_s=RPC_TIMEOUT_S, **fields):
        """Any call by its name and request fields; raises CriError. While containerd is away it
        waits for it to come back, until the timeout (code "DEADLINE_EXCEEDED")."""
        request = getattr(pb, f"{name}Request")(**fields)
        try:
            return self._calls[name](request, timeout=timeout_s, wait_for_ready=True)
        except grpc.RpcError as error:
            raise CriError(name, error) from None

    # Runtime

    def version(self):
        """The VersionResponse message."""
        return self.call("Version")

    def status(self, verbose=False):
        """The StatusResponse message."""
        return self.call("Status", verbose=verbose)

    def runtime_ready(self, timeout_s=RPC_TIMEOUT_S):
        """Whether the runtime takes pods."""
        conditions = self.call("Status", timeout_s).status.conditions
        return any(item.type == "RuntimeReady" and item.status for item in conditions)

    def wait_image(self, name, timeout_s=10):
        """The CRI learns of an imported image by an event; waits for that."""
        deadline = time.monotonic() + timeout_s
        while not self.call("ImageStatus", image=pb.ImageSpec(image=name)).image.id:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the CRI does not know image {name}")
            time.sleep(0.01)

    # Pods

    def run_pod(self, name=None, namespace="default", uid=None, annotations=None, handler="", *,
                labels=None, host_network=True, host_pid=False, host_ipc=False, userns=None,
                privileged=False, seccomp="RuntimeDefault", cgroup_parent=None, attempt=0):
        """RunPodSandbox; returns the pod's sandbox id.

        userns: a UserNs for `hostUsers: false`; such a pod gets a network of its own. privileged
        must be set when a container of the pod will be privileged. seccomp is the sandbox's."""
        name = name or f"pod-{next(self._numbers)}"
        uid = uid or str(uuid.uuid4())
        namespaces = pb.NamespaceOption(
            network=pb.NODE if host_network and userns is None else pb.POD,
            pid=pb.NODE if host_pid else pb.CONTAINER,
            ipc=pb.NODE if host_ipc else pb.POD,
            userns_options=userns.options() if userns else None)
        config = pb.PodSandboxConfig(
            metadata=pb.PodSandboxMetadata(name=name, uid=uid, namespace=namespace,
                                           attempt=attempt),
            hostname="" if namespaces.network == pb.NODE else name,
            log_directory=f"{POD_LOG_ROOT}/{namespace}_{name}_{uid}",
            labels={"io.kubernetes.pod.name": name, "io.kubernetes.pod.namespace": namespace,
                    "io.kubernetes.pod.uid": uid, **(labels or {})},
            annotations=annotations or {},
            linux=pb.LinuxPodSandboxConfig(
                cgroup_parent=cgroup_parent or f"/kubepods/besteffort/pod{uid}",
                security_context=pb.LinuxSandboxSecurityContext(
                    namespace_options=namespaces, privileged=privileged,
                    seccomp=_seccomp(seccomp))))
        pod = self.call("RunPodSandbox", config=config, runtime_handler=handler).pod_sandbox_id
        self._pods[pod] = config
        return pod

    @contextlib.contextmanager
    def pod(self, name=None, **options):
        """A pod for the length of a `with` block; options as of run_pod()."""
        pod = self.run_pod(name, **options)
        try:
            yield pod
        finally:
            self.stop_pod(pod)
            self.remove_pod(pod)

    def stop_pod(self, pod):
        """StopPodSandbox: ends all containers of the pod."""
        self.call("StopPodSandbox", pod_sandbox_id=pod)

    def remove_pod(self, pod):
        """Removes the containers and then the pod, as kubelet does. RemovePodSandbox alone would do
        it too, but containerd 2.1.9 deadlocks when a plugin registers in the midst of that."""
        for container in self.list_containers(pod):
            self.remove(container.id)
        self.call("RemovePodSandbox", pod_sandbox_id=pod)
        self._pods.pop(pod, None)

    def pod_address(self, pod):
        """The IP address of a pod that is not on the host network."""
        return self.call("PodSandboxStatus", pod_sandbox_id=pod).status.network.ip

    def list_pods(self):
        """All PodSandbox messages."""
        return list(self.call("ListPodSandbox").items)

    # Containers

    def create_container(self, pod, name, image, command=(), args=(), *, env=None,
                         annotations=None, labels=None, security=Security(), mounts=(),
                         working_dir="", tty=False, resources=None, attempt=0):
        """CreateContainer; returns a Container. `resources`: fields of LinuxContainerResources."""
        sandbox = self._pods[pod]
        namespaces = pb.NamespaceOption()
        namespaces.CopyFrom(sandbox.linux.security_context.namespace_options)
        log_path = f"{name}/{attempt}.log"
        log_file = self._log_root / pathlib.Path(sandbox.log_directory).name / log_path
        self._make_log_directory(log_file.parent)
        config = pb.ContainerConfig(
            metadata=pb.ContainerMetadata(name=name, attempt=attempt),
            image=pb.ImageSpec(image=image), command=command, args=args, working_dir=working_dir,
            envs=[pb.KeyValue(key=key, value=value) for key, value in (env or {}).items()],
            mounts=[_mount(mount, namespaces) for mount in mounts],
            labels={"io.kubernetes.container.name": name, **dict(sandbox.labels),
                    **(labels or {})},
            annotations=annotations or {}, log_path=log_path, tty=tty,
            linux=pb.LinuxContainerConfig(
                resources=pb.LinuxContainerResources(**(resources or {})),
                security_context=_security_context(security, namespaces)))
        container = self.call("CreateContainer", pod_sandbox_id=pod, config=config,
                              sandbox_config=sandbox).container_id
        self._log_files[container] = log_file
        return Container(self, pod, name, container)

    def run_container(self, pod, name, image, command=(), args=(), **options):
        """create_container() and start(); returns the started Container."""
        return self.create_container(pod, name, image, command, args, **options).start()

    def start(self, container):
        """StartContainer."""
        self.call("StartContainer", container_id=container)

    def stop(self, container, grace_s=0):
        """StopContainer: SIGTERM, and SIGKILL after `grace_s`."""
        self.call("StopContainer", container_id=container, timeout=grace_s)

    def remove(self, container):
        """RemoveContainer, running or not."""
        self.call("RemoveContainer", container_id=container)

    def exec_sync(self, container, command, timeout_s=20):
        """ExecSync; returns an ExecResult with text."""
        response = self.call("ExecSync", timeout_s + 10, container_id=container, cmd=command,
                             timeout=timeout_s)
        return ExecResult(response.stdout.decode(errors="replace"),
                          response.stderr.decode(errors="replace"), response.exit_code)

    def container_status(self, container):
        """The ContainerStatus message: state, exit_code, reason, message."""
        return self.call("ContainerStatus", container_id=container).status

    def container_info(self, container):
        """The verbose part of ContainerStatus, parsed."""
        response = self.call("ContainerStatus", container_id=container, verbose=True)
        return json.loads(response.info["info"])

    def list_containers(self, pod=None):
        """All Container messages, or those of one pod."""
        return [item for item in self.call("ListContainers").containers
                if pod is None or item.pod_sandbox_id == pod]

    def logs(self, container):
        """(stdout, stderr) of a container that this client created."""
        return parse_log(self._read_log(self._log_files[container]))

    def whole_logs(self, container, timeout_s=10):
        """The logs of a container that has exited. containerd tells of the exit before it has
        written the last lines; it closes the file after them."""
        deadline = time.monotonic() + timeout_s
        while self._log_is_open(self._log_files[container]):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the log is still open after {timeout_s} s: "
                                   f"{self.logs(container)}")
            time.sleep(self.poll_s)
        return self.logs(container)

    # Where a node's files are not files of the host, a subclass has other ways.

    def _make_log_directory(self, path):
        path.mkdir(parents=True, exist_ok=True)

    def _read_log(self, path):
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _log_is_open(self, path):
        """Whether somebody can still write to it: fcntl(2) refuses a lease to read then."""
        try:
            with path.open("rb") as log:
                fcntl.fcntl(log, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except BlockingIOError:
            return True
        except FileNotFoundError:
            return False
        return False


def parse_log(text):
    """Splits a CRI log (`<time> <stream> <P|F> <text>` lines; P lacks the newline) by stream."""
    streams = {"stdout": [], "stderr": []}
    for line in text.splitlines():
        _, stream, tag, content = (line.split(" ", 3) + [""])[:4]
        streams[stream].append(content if tag.startswith("P") else content + "\n")
    return "".join(streams["stdout"]), "".join(streams["stderr"])


def _seccomp(profile):
    if profile is None:
        return None
    if profile.startswith("/"):
        return pb.SecurityProfile(profile_type=pb.SecurityProfile.Localhost, localhost_ref=profile)
    return pb.SecurityProfile(profile_type=pb.SecurityProfile.ProfileType.Value(profile))


def _int64(number):
    return None if number is None else pb.Int64Value(value=number)


def _mount(mount, namespaces):
    userns = namespaces.userns_options
    return pb.Mount(container_path=mount.destination, host_path=mount.source,
                    readonly=mount.readonly, propagation=_PROPAGATION[mount.propagation],
                    recursive_read_only=mount.recursive_readonly,
                    uidMappings=userns.uids, gidMappings=userns.gids)


def _security_context(security, namespaces):
    masked = () if security.privileged else security.masked_paths
    readonly = () if security.privileged else security.readonly_paths
    return pb.LinuxContainerSecurityContext(
        capabilities=pb.Capability(add_capabilities=security.caps_add,
                                   drop_capabilities=security.caps_drop),
        privileged=security.privileged, namespace_options=namespaces,
        run_as_user=_int64(security.run_as_user), run_as_group=_int64(security.run_as_group),
        supplemental_groups=security.supplemental_groups, no_new_privs=security.no_new_privs,
        readonly_rootfs=security.readonly_rootfs, masked_paths=masked, readonly_paths=readonly,
        seccomp=_seccomp(security.seccomp))
