# SPDX-License-Identifier: Apache-2.0
"""A throw-away node: a real containerd in a Debian root, in namespaces of its own.

    with Node("trixie") as node:
        node.load_base_images()
        cri = node.cri()
        with cri.pod() as pod:
            result = cri.run_container(pod, "main", images.BUSYBOX, ["/bin/id"]).wait()

The node shares only the process ids and the kernel with the machine. Its mounts, cgroups, network
and host name are its own, its root is an overlay over the cached suite, and /run, /var/log/pods,
/var/lib/kubelet and /var/lib/containerd lie in one temporary directory. `stop()` leaves nothing,
nor does a killed test run (see supervisor.py).

Volumes of pods with user namespaces belong under /var/lib/kubelet: an overlay cannot be ID-mapped.
A machine without CAP_SYS_RESOURCE can only lower hard limits, and so can containers on its nodes.
"""
import atexit
import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from . import cgroups, containerd_config, images, roots
from .containerd_config import DEFAULT_HANDLERS, Handler  # noqa: F401 (part of this API)
from .cri import Cri, CriError

_PREFIX = "vbnode-"
_SOCKET_PATH_MAX = 107
_SUPERVISOR = pathlib.Path(__file__).with_name("supervisor.py")
_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "HOME": "/root", "LANG": "C.UTF-8"}
# A /29 per pod is plenty; the addresses exist only inside the node's network namespace.
POD_NETWORK = {
    "cniVersion": "0.4.0", "name": "pods",
    "plugins": [{"type": "ptp", "ipam": {"type": "host-local",
                                         "ranges": [[{"subnet": "10.88.0.0/16"}]],
                                         "routes": [{"dst": "0.0.0.0/0"}]}}],
}
# containerd sets CPU shares on every sandbox and crun knows cgroup v2 only, so where the machine
# has bound the cpu controller to a v1 hierarchy crun could start no pod. It gets a copy of
# config.json without the shares; the bundle stays as it is.
_CRUN_WITHOUT_CPU = r"""#!/bin/sh
config=/run/crun-config-$$.json bundle=. previous=
for word do
	shift
	set -- "$@" "$word"
	[ "$previous" != --bundle ] || bundle=$word
	[ "$word" != create ] || set -- "$@" --config "$config"
	previous=$word
done
case " $* " in
*" create --config $config "*)
	tr -d '\n' <"$bundle/config.json" | sed 's/"cpu": *{[^}]*}/"cpu":{}/' >"$config" ;;
esac
exec /usr/bin/crun "$@"
"""


@dataclasses.dataclass(frozen=True)
class Service:
    """How containerd is started on a node: its command, its configuration, its state directory below
    /run, and what has to be there before: {path: (bytes, mode), or the target of a link}."""
    command: tuple = ("/usr/bin/containerd",)
    config: str = "/etc/containerd/config.toml"
    state: str = "containerd"
    files: dict = dataclasses.field(default_factory=dict)


class NodeError(Exception):
    """The node cannot do what was asked; the message holds the tail of containerd's log."""


class Node:
    """One node. Attributes after start(): `base` (its directory on the host), `anchor_pid` (a
    process that lives in its namespaces), `containerd_pid`, `versions` (Debian versions)."""

    platform = images.HOST
    poll_s = 0.02  # between two looks at a file

    def __init__(self, suite, runtime="runc", cgroup="host", name=None, *,
                 handlers=DEFAULT_HANDLERS, nri=None, own_network=True, service=Service()):
        """suite: "trixie" or "forky". runtime: the default handler. cgroup: "host" shows the
        node the machine's cgroup layout, "v2" a cgroup2 tree alone (crun needs that). nri: extra
        settings of containerd's NRI table. own_network: False shares the machine's network. service:
        another way to start containerd."""
        self.suite = suite
        self.runtime = runtime
        self.cgroup = cgroup
        self.name = name or f"{suite}-{runtime}"
        self.handlers = tuple(handlers)
        self.nri = dict(nri or {})
        self.own_network = own_network
        self.service = service
        self.base = None
        self.versions = {}
        self.anchor_pid = None
        self.containerd_pid = None
        self._supervisor = None
        self._children = []
        self._clients = []
        self._client = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc_info):
        self.stop()

    # Life cycle

    def start(self):
        """Boots the node and returns it when containerd answers and reports itself ready."""
        if os.geteuid() != 0:
            raise NodeError("a test node needs root")
        sweep()
        root = roots.ensure_root(self.suite)
        self.versions = dict(root.versions)
        self.base = pathlib.Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{self.name}-"))
        try:
            if len(str(self.socket)) > _SOCKET_PATH_MAX:
                raise NodeError(f"{self.socket} is too long for a socket; set a shorter TMPDIR")
            self._boot(root)
        except BaseException:
            self.stop()
            raise
        return self

    def _boot(self, root):
        atexit.register(self.stop)
        with open(self.base / "lock.new", "w", encoding="ascii") as lock:
            # Locked before it has its name, or the sweep of another start could take it.
            fcntl.flock(lock, fcntl.LOCK_EX)
            (self.base / "lock.new").rename(self.base / "lock")
            self._write_files(root)
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), str(self.base),
                 str(lock.fileno())],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                pass_fds=(lock.fileno(),))
        self.anchor_pid = self._answer("anchor")
        self._start_containerd()

    def _write_files(self, root):
        for sub in ("upper/etc/containerd", "upper/etc/cni/net.d", "upper/root", "work", "root",
                    "run", "lib", "pods", "kubelet"):
            (self.base / sub).mkdir(parents=True)
        self.base.chmod(0o755)
        etc = self.base / "upper/etc"
        # Sandbox creation copies both and fails without them.
        (etc / "hosts").write_text(f"127.0.0.1 localhost {self.name}\n::1 localhost\n")
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        (etc / "hostname").write_text(f"{self.name}\n")
        (etc / "cni/net.d/10-pods.conflist").write_text(json.dumps(POD_NETWORK))
        if not cgroups.v2_offers("cpu"):
            self._write_crun_wrapper()
        self.write_config()
        for path, content in self.service.files.items():
            place = self.base / "upper" / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                place.symlink_to(content)
            else:
                place.write_bytes(content[0])
                place.chmod(content[1])
        spec = {"lower": str(root.path), "root_lock": str(root.lock_path), "cgroup": self.cgroup,
                "hostname": self.name, "own_network": self.own_network,
                "containerd": list(self.service.command)}
        (self.base / "node.json").write_text(json.dumps(spec))

    def _write_crun_wrapper(self):
        wrapper = self.base / "upper/usr/local/sbin/crun"
        wrapper.parent.mkdir(parents=True)
        wrapper.write_text(_CRUN_WITHOUT_CPU)
        wrapper.chmod(0o755)

    def write_config(self):
        """Writes containerd's configuration from `handlers` and `nri`; read at the next start."""
        text = containerd_config.render(self.containerd_version[0], self.handlers, self.runtime,
                                        self.nri)
        path = (self.host_path("/etc/containerd/config.toml") if self.anchor_pid
                else self.base / "upper/etc/containerd/config.toml")
        path.write_text(text)

    def _answer(self, key, timeout_s=20):
        """Reads the supervisor's answer to the last command."""
        stdout = self._supervisor.stdout
        if not select.select([stdout], [], [], timeout_s)[0]:
            raise NodeError(f"node {self.name}: the supervisor does not answer")
        line = stdout.readline()
        message = json.loads(line) if line else {"error": "the supervisor died"}
        if key not in message:
            raise NodeError(f"node {self.name}: {message.get('error', message)}")
        return message[key]

    def _start_containerd(self, wait=True):
        self._supervisor.stdin.write(b"containerd\n")
        self._supervisor.stdin.flush()
        self.containerd_pid = self._answer("containerd")
        if wait:
            self._wait_ready()

    def _wait_ready(self, timeout_s=20):
        deadline = time.monotonic() + timeout_s
        while True:
            # A gRPC channel that finds no socket backs off for longer than containerd starts.
            if self._listening():
                self._client = self._client or self.cri()
                with contextlib.suppress(CriError):
                    if self._client.runtime_ready(timeout_s=2):
                        return
            if not _alive(self.containerd_pid):
                raise NodeError(f"node {self.name}: containerd died\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise NodeError(f"node {self.name}: containerd is not ready\n{self.log_tail()}")
            time.sleep(0.02)

    def _listening(self):
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def stop(self):
        """Kills and removes everything of the node. Safe to call at any time, and twice."""
        atexit.unregister(self.stop)
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._client = None
        error = None
        if self._supervisor is not None:
            error = self._stop_supervisor()
        elif self.base is not None:
            shutil.rmtree(self.base, ignore_errors=True)
        for child in self._children:
            child.wait()
        self._children.clear()
        self.base = self.anchor_pid = self.containerd_pid = None
        if error:
            raise NodeError(f"node {self.name}: {error}")

    def _stop_supervisor(self):
        supervisor, self._supervisor = self._supervisor, None
        supervisor.stdin.close()
        try:
            status = supervisor.wait(timeout=30)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()
            return "the supervisor hangs in its cleanup"
        finally:
            supervisor.stdout.close()
        return f"the supervisor's cleanup failed (exit {status})" if status else None

    def stop_containerd(self, signal_number=signal.SIGTERM, timeout_s=10):
        """Ends containerd alone; containers go on running."""
        os.kill(self.containerd_pid, signal_number)
        deadline = time.monotonic() + timeout_s
        while _alive(self.containerd_pid):
            if time.monotonic() > deadline:
                os.kill(self.containerd_pid, signal.SIGKILL)
                deadline += timeout_s
            time.sleep(0.01)

    def restart_containerd(self, signal_number=signal.SIGTERM, wait=True):
        """Ends containerd with the signal (if it still runs) and starts it again, by default until
        it is ready."""
        if _alive(self.containerd_pid):
            self.stop_containerd(signal_number)
        self._start_containerd(wait)

    # Files

    @property
    def run_dir(self):
        """The node's /run, as a directory of the host."""
        return self.base / "run"

    @property
    def socket(self):
        """containerd's socket, reachable from the host."""
        return self.run_dir / self.service.state / "containerd.sock"

    @property
    def nri_socket(self):
        """The NRI socket, reachable from the host."""
        return self.run_dir / "nri/nri.sock"

    @property
    def log_path(self):
        """containerd's log, on the host; it grows over restarts."""
        return self.base / "containerd.log"

    def log_tail(self, lines=20):
        """The last lines of containerd's log."""
        try:
            return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return "(no containerd log)"

    def host_path(self, node_path):
        """Where the host sees a path of the node. Symbolic links are followed inside the node."""
        root = pathlib.Path(f"/proc/{self.anchor_pid}/root")
        resolved, pending, links = pathlib.PurePath("/"), _parts(node_path), 0
        while pending:
            part = pending.pop(0)
            if part == "..":
                resolved = resolved.parent
                continue
            step = root / (resolved / part).relative_to("/")
            if not step.is_symlink():
                resolved = resolved / part
                continue
            links += 1
            if links > 40:
                raise NodeError(f"too many symbolic links in {node_path}")
            target = os.readlink(step)
            if target.startswith("/"):
                resolved = pathlib.PurePath("/")
            pending = _parts(target) + pending
        return root / resolved.relative_to("/")

    def install(self, files, mode=None):
        """Copies host files into the node: {host_path: node_path}. Keeps the mode unless given.
        Written beside and renamed, so that a running program can be replaced."""
        for source, target in files.items():
            self.write(target, pathlib.Path(source).read_bytes(),
                       mode if mode is not None else os.stat(source).st_mode & 0o7777)

    def write(self, node_path, data, mode=0o644):
        """Writes a file of the node (str or bytes), making its directories."""
        path = self.host_path(node_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.new")
        partial.write_bytes(data.encode() if isinstance(data, str) else data)
        partial.chmod(mode)
        partial.rename(path)

    def read(self, node_path):
        """The text of a file of the node."""
        return self.host_path(node_path).read_text(errors="replace")

    # Programs

    def popen(self, argv, env=None, **options):
        """Starts a program in the node's namespaces and cgroup (subprocess.Popen options). The
        returned pid is the program's own, so it can be signalled; stop() kills it."""
        join = " ".join(map(str, cgroups.leaf_files(self.base.name)))
        enter = ["/bin/sh", "-c", f'for file in {join}; do echo $$ >"$file" || exit; done\n'
                 'exec "$@"', "sh", "/usr/bin/nsenter", "-t", str(self.anchor_pid),
                 "-m", "-n", "-u", "-C", "-r", "-w", "--"]
        child = subprocess.Popen(enter + [str(word) for word in argv],
                                 env={**_ENVIRONMENT, "CONTAINERD_ADDRESS":
                                      f"/run/{self.service.state}/containerd.sock", **(env or {})},
                                 **{"stdin": subprocess.DEVNULL, **options})
        self._children.append(child)
        return child

    def run(self, argv, check=True, timeout_s=60, env=None, text_input=None):
        """Runs a program in the node and returns a CompletedProcess with text stdout, stderr."""
        stdin = subprocess.PIPE if text_input is not None else subprocess.DEVNULL
        child = self.popen(argv, env=env, stdin=stdin, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, errors="replace")
        try:
            stdout, stderr = child.communicate(text_input, timeout=timeout_s)
        except BaseException:
            child.kill()
            child.wait()
            raise
        finally:
            self._children.remove(child)
        if check and child.returncode != 0:
            raise NodeError(f"node {self.name}: {argv} exits {child.returncode}: {stderr.strip()}")
        return subprocess.CompletedProcess(argv, child.returncode, stdout, stderr)

    def ctr(self, *args, **options):
        """Runs `ctr` in the namespace of the CRI."""
        return self.run(["ctr", "-n", "k8s.io", *args], **options)

    # CRI and images

    def cri(self):
        """A new CRI client; it stays usable over restarts of containerd."""
        client = Cri(self.socket, log_root=self.base / "pods")
        self._clients.append(client)
        return client

    @property
    def containerd_version(self):
        """(major, minor, patch) of the packaged containerd."""
        match = re.match(r"(?:\d+:)?(\d+)\.(\d+)\.(\d+)", self.versions["containerd"])
        return tuple(int(number) for number in match.groups())

    def sandbox_image(self):
        """The image name that this containerd starts as every pod's sandbox."""
        return sandbox_image(self, self.service.config)

    def runtime_path(self, runtime=None):
        """The node path of a real OCI runtime, "runc" or "crun" (by default the node's own)."""
        found = self.run(["/bin/sh", "-c", 'command -v "$1"', "sh", runtime or self.runtime])
        return found.stdout.strip()

    def load_base_images(self):
        """Loads the sandbox image and images.busybox(); without the first no pod starts."""
        self.load_image(images.pause(self.sandbox_image(), self.platform))
        self.load_image(images.busybox(target=self.platform))

    def load_image(self, archive):
        """Imports an image archive (see images.py) and waits until the CRI knows its name."""
        with open(archive.path, "rb") as stream:
            child = self.popen(["ctr", "-n", "k8s.io", "images", "import", "-"], stdin=stream,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            _, stderr = child.communicate()
        self._children.remove(child)
        if child.returncode != 0:
            raise NodeError(f"node {self.name}: import of {archive.name}: {stderr.strip()}")
        self._client.wait_image(archive.name)


def sandbox_image(node, config="/etc/containerd/config.toml"):
    """As Node.sandbox_image(); for whatever runs programs."""
    dump = node.run(["containerd", "--config", config, "config", "dump"]).stdout
    match = re.search(r"""^\s*(?:sandbox_image|sandbox) = ["'](.+)["']$""", dump, re.M)
    if match is None:
        raise NodeError("containerd config dump names no sandbox image")
    return match.group(1)


def _parts(path):
    return [part for part in pathlib.PurePath(path).parts if part not in ("/", ".")]


def _alive(pid):
    """Whether the process exists and is no zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def sweep():
    """Removes what nodes left whose supervisor was killed by force (nobody else holds their
    lock)."""
    for base in pathlib.Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        try:
            lock = open(base / "lock", "r+", encoding="ascii")
        except OSError:
            continue
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            cgroups.kill_all(base.name)
            cgroups.remove(base.name)
            shutil.rmtree(base, ignore_errors=True)
