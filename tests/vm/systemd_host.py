# SPDX-License-Identifier: Apache-2.0
"""A virtual machine with systemd as its first process, Debian's containerd, and cgroup v2.

    host = SystemdHost("trixie", {"/opt/source/vambrace": build / "plugin/cli/vambrace"})
    try:
        host.wait_booted()
        host.run(["systemctl", "is-active", "containerd"]).stdout
        cri = host.cri()          # containerd's own socket, as a test node's client has it
        with cri.pod(handler="vambrace") as pod: ...
    finally:
        host.stop()

The first argument is the suite of the root: trixie has containerd 1.7, forky 2.1. Each machine has
one processor, which qemu emulates (about 20 s of a real one's to a shell), and sees nothing but the
two ports by which it is asked: one leads to a shell and one to containerd's socket. `run`, `read`,
`write`, `load_image` and `cri` are those of a `Node`, so the helpers for nodes (Vambrace.outcome()
and its like) take a machine as well. A service is asked by properties(), the journal by journal();
what is to run beside a script is started by `systemd-run`. In test_systemd.py, take a machine that
is up by the fixture `host`.
"""
import base64
import contextlib
import json
import lzma
import pathlib
import shlex
import socket
import subprocess
import sys
import tempfile
import time

from vbnode import images
from vbnode.cri import Cri, CriError
from vbnode.node import POD_NETWORK, NodeError, sandbox_image

import disks
import kernels
import machine

# With an instruction for random numbers, which nobody has to wait for.
_CPU = "qemu64,+rdrand"
# A time stamp counter that the kernel measures on a busy machine makes seconds of any length.
_CLOCK = "notsc clocksource=acpi_pm"
_ADDRESS = "10.0.2.15"
_SHELL_PORT, _CRI_PORT = 7000, 7001
_BOOT_TIMEOUT_S = 120
_INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox insmod /virtio_blk.ko
/bin/busybox mount -t ext4 /dev/vda /new
/bin/busybox cp -a /image/. /new/
/bin/busybox chmod -R a-x,a+X /new/etc/systemd/system
exec /bin/busybox switch_root /new /sbin/init
"""
# A line of base64 is the script; what follows is what it gets to read. First comes a line with its
# exit status and the size of its standard output.
_SHELL = """#!/usr/local/bin/busybox sh
read -r line
script=$(busybox mktemp /run/shell.XXXXXX)
echo "$line" | busybox base64 -d >"$script"
/bin/bash "$script" >"$script.out" 2>"$script.err"
echo "$? $(busybox stat -c %s "$script.out")"
busybox cat "$script.out" "$script.err"
busybox rm -f "$script" "$script.out" "$script.err"
"""
_UNITS = {
    "network.service": f"""[Unit]
DefaultDependencies=no
Before=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/modprobe virtio_net
ExecStart=/bin/ip link set eth0 up
ExecStart=/bin/ip address add {_ADDRESS}/24 dev eth0
[Install]
WantedBy=multi-user.target
""",
    "shell.service": f"""[Unit]
After=network.service
[Service]
ExecStart=/usr/local/bin/busybox nc -ll -p {_SHELL_PORT} -e /usr/local/sbin/shell
Environment=HOME=/root
[Install]
WantedBy=multi-user.target
""",
    "cri.socket": f"""[Socket]
ListenStream={_CRI_PORT}
[Install]
WantedBy=multi-user.target
""",
    "cri.service": """[Service]
ExecStart=/usr/lib/systemd/systemd-socket-proxyd /run/containerd/containerd.sock
""",
}
# What runs by the clock would run at the first boot.
_MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "logrotate.timer",
           "systemd-tmpfiles-clean.timer", "systemd-firstboot.service", "getty.target",
           "serial-getty@ttyS0.service", "e2scrub_reap.service", "e2scrub_all.timer",
           "fstrim.timer", "console-getty.service", "modprobe@configfs.service",
           "modprobe@efi_pstore.service", "modprobe@drm.service", "modprobe@fuse.service",
           "systemd-logind.service", "systemd-update-utmp.service")


class SystemdHost:
    """One machine. Attributes: `suite`, `containerd_version`, `runtime` (the plain handler)."""

    runtime = "runc"
    poll_s = 0.5  # what asks more often keeps the machine busy

    def __init__(self, suite, files=None):
        """Begins to boot. files: as of machine.boot(), put onto the root before systemd starts."""
        self.suite = suite
        self._kernel = kernels.ensure_kernel("trixie", small=True)
        self._disk, root = disks.ensure_disk(suite, self._kernel)
        version = root.versions["containerd"].split("~")[0].split("+")[0].split("-")[0]
        self.containerd_version = tuple(map(int, version.split(".")))
        self._scratch = tempfile.TemporaryDirectory(prefix="vb-host-")
        self.base = pathlib.Path(self._scratch.name)
        self._initramfs = self.base / "initramfs"
        self._initramfs.write_bytes(machine.cpio(self._image(files or {})))
        self._clients = []
        self._qemu = None
        self._begin()

    def _image(self, files):
        units = "/etc/systemd/system"
        own = {"/etc/hostname": b"machine\n", "/etc/machine-id": b"%032x\n" % 0xb0a7,
               "/etc/hosts": b"127.0.0.1 localhost machine\n",
               "/etc/resolv.conf": b"nameserver 127.0.0.1\n",
               "/etc/cni/net.d/10-pods.conflist": json.dumps(POD_NETWORK).encode(),
               "/usr/local/sbin/shell": _SHELL.encode(),
               "/usr/local/bin/busybox": pathlib.Path(machine.BUSYBOX)}
        for name, text in _UNITS.items():
            own[f"{units}/{name}"] = text.encode()
            if "[Install]" in text:
                own[f"{units}/multi-user.target.wants/{name}"] = ("link", f"../{name}")
        for name in _MASKED:
            own[f"{units}/{name}"] = ("link", "/dev/null")
        driver = next(self._kernel.modules.rglob("virtio_blk.ko*"))
        image = {"init": _INIT.encode(), "bin/busybox": pathlib.Path(machine.BUSYBOX),
                 "virtio_blk.ko": lzma.decompress(driver.read_bytes()), "dev/": b"", "new/": b""}
        image.update({f"image{path}": source for path, source in {**own, **files}.items()})
        return image

    # Life cycle

    def _begin(self):
        self._ports = {port: _free_port() for port in (_SHELL_PORT, _CRI_PORT)}
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{here}-{_ADDRESS}:{there}"
                           for there, here in self._ports.items())
        self._console = self.base / "console"
        self._qemu = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64",
             "-accel", "tcg,thread=single", "-cpu", _CPU, "-m", "1536",
             "-nodefaults", "-no-user-config", "-nographic", "-no-reboot",
             "-serial", f"file:{self._console}", "-kernel", str(self._kernel.path),
             "-initrd", str(self._initramfs),
             "-drive", f"file={self._disk},format=raw,if=virtio,snapshot=on,cache=unsafe",
             "-netdev", f"user,id=net,restrict=on{forwards}",
             "-device", "virtio-net-pci,netdev=net,romfile=",
             "-append", f"console=ttyS0 quiet loglevel=3 panic=-1 net.ifnames=0 {_CLOCK} "
                        "systemd.show_status=no"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait_booted(self):
        """Returns the machine when its containerd answers; one that hangs is begun again."""
        for attempts_left in (2, 1, 0):
            try:
                self._wait_shell()
                self._wait_cri()
                return self
            except machine.MachineError as error:
                if not attempts_left:
                    raise
                print(f"the machine is begun again: {error}", file=sys.stderr)
                self._end()
                self._begin()

    def _wait_shell(self):
        deadline = time.monotonic() + _BOOT_TIMEOUT_S
        while True:
            with contextlib.suppress(OSError, ValueError):
                if self.run(["true"], check=False, timeout_s=20).returncode == 0:
                    return
            if self._qemu.poll() is not None or time.monotonic() > deadline:
                raise machine.MachineError(f"{self.suite}: no shell: {self.console()}")
            time.sleep(0.2)

    def _wait_cri(self):
        deadline = time.monotonic() + _BOOT_TIMEOUT_S
        client = self.cri()
        while True:
            with contextlib.suppress(CriError):
                if client.runtime_ready(timeout_s=20):
                    return
            if time.monotonic() > deadline:
                raise machine.MachineError(f"{self.suite}: no CRI: {self.journal('containerd')}")

    def console(self):
        """The end of what the machine wrote to its console, and of what qemu said."""
        said = self._qemu.stderr.read().decode() if self._qemu.poll() is not None else ""
        text = self._console.read_text(errors="replace") if self._console.exists() else ""
        return f"{text[-3000:]}\n{said[-1000:]}"

    def _end(self):
        for client in self._clients:
            client.close()
        self._clients.clear()
        self._qemu.kill()
        self._qemu.wait()
        self._qemu.stderr.close()

    def stop(self):
        """Ends the machine; nothing of it stays."""
        self._end()
        self._scratch.cleanup()

    # Programs and files

    def script(self, text, check=True, timeout_s=120, data=b""):
        """Runs a script of bash that gets the data to read; returns a CompletedProcess with text
        stdout, stderr."""
        with socket.create_connection(("127.0.0.1", self._ports[_SHELL_PORT]), timeout_s) as stream:
            stream.settimeout(timeout_s)
            stream.sendall(base64.b64encode(text.encode()) + b"\n" + data)
            stream.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: stream.recv(1 << 16), b""))
        head, _, output = answer.partition(b"\n")
        code, size = map(int, head.split())
        stdout, stderr = (part.decode(errors="replace") for part in (output[:size], output[size:]))
        if check and code != 0:
            raise NodeError(f"machine {self.suite}: {text[:200]!r} exits {code}: {stderr.strip()}")
        return subprocess.CompletedProcess(text, code, stdout, stderr)

    def run(self, argv, check=True, timeout_s=120):
        """Runs a program; else as script()."""
        return self.script(shlex.join(map(str, argv)), check, timeout_s)

    def write(self, path, data, mode=0o644):
        """Writes a file (str or bytes), making its directories; renamed to its place."""
        data = data.encode() if isinstance(data, str) else data
        where, partial = shlex.quote(str(path)), shlex.quote(f"{path}.new")
        self.script(f"set -e; mkdir -p $(dirname {where}); cat >{partial}\n"
                    f"chmod {mode:o} {partial}; mv -f {partial} {where}", data=data)

    def read(self, path):
        """The text of a file."""
        return self.run(["cat", path]).stdout

    def exists(self, path):
        """Whether there is something at a path."""
        return self.run(["test", "-e", path], check=False).returncode == 0

    # systemd

    def properties(self, unit, *names):
        """{name: value} of a unit, as `systemctl show` has them."""
        lines = self.run(["systemctl", "show", unit, *(f"-p{name}" for name in names)]).stdout
        return dict(line.split("=", 1) for line in lines.splitlines())

    def journal(self, unit):
        """What a service has written."""
        return self.run(["journalctl", "-q", "-o", "cat", "--no-pager", "-u", unit]).stdout

    # CRI and images

    def cri(self):
        """A new CRI client; it stays usable over restarts of containerd."""
        client = _MachineCri(self)
        self._clients.append(client)
        return client

    def cri_target(self):
        """Where containerd's socket can be reached, as "host:port"."""
        return f"127.0.0.1:{self._ports[_CRI_PORT]}"

    def load_image(self, archive):
        """Imports an image archive (see images.py) and waits until the CRI knows its name."""
        self.script("ctr -n k8s.io images import -", data=archive.path.read_bytes())
        self._clients[0].wait_image(archive.name)

    def load_base_images(self):
        """Loads the sandbox image and images.busybox(); without the first no pod starts."""
        self.load_image(images.pause(sandbox_image(self)))
        self.load_image(images.busybox())


class _MachineCri(Cri):
    """A client that gives pods a slice, as kubelet does, and reads logs by the machine's shell."""

    poll_s = SystemdHost.poll_s

    def __init__(self, host):
        super().__init__(host.cri_target())
        self._host = host

    def call(self, name, *arguments, **fields):
        """That a restart of containerd has cut the connection, the first call over it notices."""
        try:
            return super().call(name, *arguments, **fields)
        except CriError as error:
            if error.code != "UNAVAILABLE":
                raise
        return super().call(name, *arguments, **fields)

    def run_pod(self, *arguments, cgroup_parent="kubepods.slice", **options):
        return super().run_pod(*arguments, cgroup_parent=cgroup_parent, **options)

    def _make_log_directory(self, path):
        self._host.run(["mkdir", "-p", path])

    def _read_log(self, path):
        return self._host.run(["sh", "-c", f"cat {path} 2>/dev/null"], check=False).stdout

    def _log_is_open(self, path):
        script = f"find /proc/$(pidof -s containerd)/fd -lname {path}"
        return bool(self._host.run(["sh", "-c", script], check=False).stdout)


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
