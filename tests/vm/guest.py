# SPDX-License-Identifier: Apache-2.0
"""A node on a real arm64 kernel: Debian's containerd, runc and crun in a machine that qemu emulates.

    with Guest() as node:
        node.load_base_images()
        with node.cri().pod(handler="crun") as pod: ...

It is used as any other `Node`; what differs is that its files are not the host's (no host_path()), and
that a process of popen() is the ssh that waits for the real one. The directories of packages, of the
project and of the build are shared with the machine, under their own paths and read-only, so that
tests run there as they are registered here; /var/log/pods is shared for writing. qemu has a network
namespace to itself, and ssh comes into it by its only connection, which carries containerd's socket
as well.
"""
import atexit
import contextlib
import hashlib
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from vbnode import containerd_config, images, mirror, trees
from vbnode.cri import CriError
from vbnode.node import DEFAULT_HANDLERS, Node, NodeError
from vbnode.roots import KEYED_PACKAGES, cache_dir
from vbnode.system import build_directory

import kernels
import machine

SUITE = "trixie"
ARCHITECTURE = "arm64"
# The last three are for the tests that run there, of which some need a dynamic /bin/sh.
_PACKAGES = (*KEYED_PACKAGES, "busybox-static", "dropbear-bin", "coreutils", "dash", "logrotate")
_MODULES = ("9p", "9pnet_virtio", "virtio_net", "overlay")
_MEMORY_MIB = 2048
_READY = "GUEST_READY"
_CRI_SOCKET = "/run/containerd/containerd.sock"
_BOOT_TIMEOUT_S = 120
_PROJECT = pathlib.Path(__file__).resolve().parents[2]
_SHARED = "trans=virtio,version=9p2000.L,msize=512000"
# The root is the tree of packages with a tmpfs over it.
_INIT = f"""#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /lower /upper /new
mount -t proc proc /proc
for module in /modules/*; do insmod $module; done
mount -t 9p -o {_SHARED},cache=loose,ro tree /lower
mount -t tmpfs -o mode=755 files /upper
mkdir /upper/files /upper/work
mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /new
cp -a /image/. /new/
exec switch_root /new /guest
"""
_PREPARE = """#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
busybox mkdir -p /proc /sys /dev /run /tmp /opt /srv /var/lib/containerd /var/lib/kubelet
busybox mount -t proc proc /proc
busybox mount -t devtmpfs dev /dev
busybox --install -s 2>/dev/null
mount -t sysfs sys /sys
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t cgroup2 cgroup /sys/fs/cgroup
for directory in /run /tmp /dev/shm /var/lib/containerd /var/lib/kubelet; do
	mount -t tmpfs -o mode=755 tmpfs $directory
done
chmod 1777 /tmp /dev/shm
mount --make-rshared /
hostname arm64
ip link set lo up
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
chmod 700 /root /root/.ssh
"""
_FINISH = f"""
containerd >/run/containerd.log 2>&1 &
dropbear -R -s
echo {_READY}
while :; do sleep 1000; done
"""


def ensure_tree():
    """Returns the directory with the arm64 packages, from the cache when that has a recent one."""
    packages = hashlib.sha256(" ".join(_PACKAGES).encode()).hexdigest()[:8]
    return trees.ensure(
        "trees", f"node-{packages}-{SUITE}-{ARCHITECTURE}",
        lambda: mirror.Suite(SUITE, cache_dir() / "apt" / f"{SUITE}-{ARCHITECTURE}", ARCHITECTURE),
        lambda offered: "_".join(map(offered.versions(KEYED_PACKAGES).get, KEYED_PACKAGES)), _unpack)


def _unpack(suite, tree):
    trees.merge_usr(tree)
    with tempfile.TemporaryDirectory(dir=tree.parent) as scratch:
        for archive in suite.download_with_dependencies(_PACKAGES, scratch):
            trees.extract(archive, tree, "--exclude=./usr/share/*")


class Guest(Node):
    """The node; attributes as of `Node`. `platform` is that of its images."""

    def __init__(self, runtime="runc", *, handlers=DEFAULT_HANDLERS, nri=None):
        super().__init__(SUITE, runtime, "v2", f"{ARCHITECTURE}-{runtime}", handlers=handlers, nri=nri)
        self._qemu = None
        self.boot_s = None

    # Life cycle

    def start(self):
        self._tree = ensure_tree()
        self.versions = dict(zip(KEYED_PACKAGES, self._tree.name.split("_")[1:]))
        self.platform = images.arm64(self._tree / "usr/bin/busybox")
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="vb-guest-"))
        atexit.register(self.stop)
        try:
            self._boot_twice()
            self._wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def _boot_twice(self):
        """qemu's emulation hangs now and then; such a machine is begun again."""
        (self.base / "pods").mkdir()
        (self.base / "run/containerd").mkdir(parents=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", self._key], check=True)
        kernel = kernels.ensure_kernel(SUITE, ARCHITECTURE)
        (self.base / "initramfs").write_bytes(machine.cpio(self._image(kernel)))
        for is_last in (False, True):
            began = time.monotonic()
            self._begin(kernel)
            try:
                self._wait_console()
                self._connect()
                self.boot_s = time.monotonic() - began
                return
            except NodeError as error:
                if is_last:
                    raise
                print(f"the machine is begun again: {error}", file=sys.stderr)
                self._end()

    def _shares(self):
        """[(directory, mount point, whether it is for writing)] beside the root's."""
        read_only = {_PROJECT, build_directory(ARCHITECTURE).resolve(), cache_dir()}
        return [(path, path, False) for path in sorted(read_only)] + [
            (self.base / "pods", "/var/log/pods", True)]

    def _image(self, kernel):
        mounts = "".join(
            f"mkdir -p '{point}'\nmount -t 9p -o {_SHARED},"
            f"{'cache=none' if is_writable else 'cache=loose,ro'} share{number} '{point}'\n"
            for number, (_, point, is_writable) in enumerate(self._shares()))
        config = containerd_config.render(self.containerd_version[0], self.handlers, self.runtime,
                                          self.nri)
        own = {"/guest": _PREPARE + mounts + _FINISH, "/etc/containerd/config.toml": config,
               "/etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "/etc/group": "root:x:0:\n",
               "/etc/hosts": "127.0.0.1 localhost arm64\n", "/etc/hostname": "arm64\n",
               "/etc/resolv.conf": "nameserver 127.0.0.1\n", "/etc/dropbear/": "",
               "/root/.ssh/authorized_keys": self._key.with_suffix(".pub").read_text()}
        image = {"init": _INIT.encode(), "bin/busybox": self.platform.busybox, "dev/": b""}
        image.update({f"image{path}": text.encode() for path, text in own.items()})
        for number, (name, data) in enumerate(kernel.load_order(*_MODULES)):
            image[f"modules/{number:02}-{name}"] = data
        return image

    def _begin(self, kernel):
        shares = [("tree", self._tree, True)] + [
            (f"share{number}", path, not is_writable)
            for number, (path, _, is_writable) in enumerate(self._shares())]
        options = []
        for tag, path, is_readonly in shares:
            options += ["-fsdev", f"local,id={tag},path={path},security_model=none,multidevs=remap"
                        + ",readonly=on" * is_readonly,
                        "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        words = [*machine.command(kernel, self.base / "initramfs", _MEMORY_MIB, "net.ifnames=0"),
                 *options, "-netdev", "user,id=net,hostfwd=tcp:127.0.0.1:22-10.0.2.15:22",
                 "-device", "virtio-net-pci,netdev=net,romfile="]
        with open(self._console, "wb") as console:
            self._qemu = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "sh", "-c",
                 'ip link set lo up && exec "$@"', "sh", *words],
                stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT)

    @property
    def _console(self):
        return self.base / "console"

    @property
    def _key(self):
        return self.base / "key"

    def _wait_console(self):
        deadline = time.monotonic() + _BOOT_TIMEOUT_S
        while _READY not in self.console():
            if self._qemu.poll() is not None or time.monotonic() > deadline:
                raise NodeError(f"the machine does not come up: {self.console()[-2000:]}")
            time.sleep(0.1)

    def console(self):
        """What the machine has written to its console."""
        return self._console.read_text(errors="replace")

    def _ssh(self, *words):
        return ["ssh", "-F", "none", "-o", "BatchMode=yes", "-S", str(self.base / "ssh"), *words]

    def _connect(self):
        """The one connection, which goes to the background; all else goes through it."""
        self.socket.unlink(missing_ok=True)
        said = self.base / "ssh.log"
        connect = subprocess.run(
            ["nsenter", "-t", str(self._qemu.pid), "--net", *self._ssh(
                "-M", "-f", "-N", "-i", str(self._key), "-L", f"{self.socket}:{_CRI_SOCKET}",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "ConnectTimeout=60", "-E", str(said), "root@127.0.0.1")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        if connect.returncode != 0:
            raise NodeError(f"no ssh into the machine: {said.read_text()}{self.console()[-2000:]}")

    def _wait_ready(self, timeout_s=60):
        deadline = time.monotonic() + timeout_s
        self._client = self.cri()
        while True:
            with contextlib.suppress(CriError):
                if self._client.runtime_ready(timeout_s=10):
                    return
            if time.monotonic() > deadline:
                raise NodeError(f"containerd is not ready: {self.log_tail()}")
            time.sleep(0.1)

    def _end(self):
        subprocess.run(self._ssh("-O", "exit", "guest"), stdin=subprocess.DEVNULL,
                       capture_output=True, check=False)
        self._qemu.kill()
        self._qemu.wait()
        self._qemu = None

    def stop(self):
        """Ends the machine; nothing of it stays. Safe to call twice."""
        atexit.unregister(self.stop)
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self._qemu is not None:
            self._end()
        for child in self._children:
            child.wait()
        self._children.clear()
        if self.base is not None:
            shutil.rmtree(self.base, ignore_errors=True)
            self.base = None

    # Files and programs

    def host_path(self, node_path):
        raise NodeError(f"{node_path} is a file of the machine, not of the host")

    def load_image(self, archive):
        """As Node.load_image(); the cache of images is shared with the machine."""
        self.ctr("images", "import", str(archive.path))
        self._client.wait_image(archive.name)

    def log_tail(self, lines=20):
        return self.run(["tail", "-n", lines, "/run/containerd.log"], check=False).stdout

    def read(self, node_path):
        return self.run(["cat", node_path]).stdout

    def write(self, node_path, data, mode=0o644):
        path = shlex.quote(str(node_path))
        script = (f"mkdir -p \"$(dirname {path})\" && cat >{path}.new && chmod {mode:o} {path}.new "
                  f"&& mv -f {path}.new {path}")
        child = self.popen(["sh", "-c", script], stdin=subprocess.PIPE)
        child.communicate(data.encode() if isinstance(data, str) else data)
        self._children.remove(child)
        if child.returncode != 0:
            raise NodeError(f"cannot write {node_path}")

    def popen(self, argv, env=None, **options):
        settings = [f"{key}={value}" for key, value in (env or {}).items()]
        words = shlex.join(["env", *settings, *map(str, argv)])
        child = subprocess.Popen(self._ssh("guest", f"exec {words}"),
                                 **{"stdin": subprocess.DEVNULL, **options})
        self._children.append(child)
        return child
