# SPDX-License-Identifier: Apache-2.0
"""A virtual machine for one script: qemu's own processor emulation, a kernel of a Debian suite and
an initramfs made here. It needs neither KVM nor a disk, and is over in seconds.
"""
import pathlib
import stat
import subprocess
import sys
import tempfile

# By Debian's name of the architecture. amd64: Skylake's flaws, and the controls for them, which qemu
# warns that it does not emulate: the kernel believes the CPUID bits, and the emulated MSR takes what
# is written.
# arm64: all that qemu has, 32-bit programs too, with signed pointers at a bearable price.
_QEMU = {
    "amd64": ("qemu-system-x86_64", "-smp", "2,threads=2", "-cpu",
              "qemu64,vendor=GenuineIntel,family=6,model=85,x-force-features=on,"
              "+spec-ctrl,+stibp,+ssbd"),
    "arm64": ("qemu-system-aarch64", "-M", "virt", "-cpu", "max,pauth-impdef=on"),
}
_CONSOLES = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
BUSYBOX = "/bin/busybox"
# The modules of Debian's kernels but TOMOYO: before 6.1 it does not find the path of what a runtime
# executes of itself, a mount that is attached nowhere, and answers ENOENT where the root is a tmpfs.
_SECURITY_MODULES = "apparmor"
# Runtimes pivot into their root filesystems, which the initramfs itself does not let them do.
_INIT = """#!/bin/busybox sh
/bin/busybox mkdir /new
/bin/busybox mount -t tmpfs -o mode=755 root /new
/bin/busybox cp -a /bin /image /new/
/bin/busybox mv /new/image/* /new/
exec /bin/busybox switch_root /new /script
"""
_PREPARE = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /proc /sys /dev /run /tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t cgroup2 cgroup /sys/fs/cgroup
echo VM_BEGIN
"""
_FINISH = """
echo VM_END
poweroff -f
"""


class MachineError(Exception):
    """The machine did not come to the end of its script; the message holds its console."""


def _run(command, timeout_s):
    """qemu's emulation hangs now and then, seen with Linux 5.10: such a machine is begun again."""
    for attempts_left in (2, 1, 0):
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=timeout_s)
        except subprocess.TimeoutExpired as hung:
            console = (hung.stdout or b"").decode(errors="replace")[-2000:]
            if not attempts_left:
                raise MachineError(f"hung three times: {console}") from hung
            print(f"the machine hung and is begun again: {console}", file=sys.stderr)


def command(kernel, initramfs, memory_mib, append=""):
    """The words of a qemu for the kernel's architecture, whose console is its own output."""
    return [*_QEMU[kernel.architecture], "-accel", "tcg,thread=single", "-m", str(memory_mib),
            "-nodefaults", "-no-user-config", "-nographic", "-no-reboot", "-serial", "stdio",
            "-kernel", str(kernel.path), "-initrd", str(initramfs),
            "-append", f"console={_CONSOLES[kernel.architecture]} quiet loglevel=1 panic=-1 "
                       f"lsm={_SECURITY_MODULES} {append}"]


def boot(kernel, files, script, append="", timeout_s=120):
    """Runs a busybox shell script as the only work of a machine; returns what it printed.

    files: {path: bytes, or a path of the host, or ("link", target)}; programs are executable.
    """
    script = _PREPARE + script + _FINISH
    image = {"init": _INIT.encode(), "bin/busybox": pathlib.Path(BUSYBOX),
             "image/script": script.encode(), "dev/": b""}
    image.update({f"image/{path.lstrip('/')}": source for path, source in files.items()})
    with tempfile.TemporaryDirectory(prefix="vb-vm-") as scratch:
        initramfs = pathlib.Path(scratch) / "initramfs"
        initramfs.write_bytes(cpio(image))
        run = _run(command(kernel, initramfs, 768, append), timeout_s)
    console = run.stdout.decode(errors="replace").replace("\r\n", "\n")
    if "VM_BEGIN\n" not in console or "VM_END\n" not in console:
        raise MachineError(f"{kernel.suite}: {console[-4000:]}\n{run.stderr.decode()[-1000:]}")
    return console.split("VM_BEGIN\n", 1)[1].split("VM_END\n", 1)[0]


def cpio(files):
    """An initramfs archive (the kernel's initramfs-buffer-format, "newc"); files as of boot()."""
    entries, directories = [], set()
    for path, source in files.items():
        for parent in reversed(pathlib.PurePosixPath(path).parents[:-1]):
            if str(parent) not in directories:
                directories.add(str(parent))
                entries.append((str(parent), stat.S_IFDIR | 0o755, b""))
        if path.endswith("/"):
            if path[:-1] not in directories:
                directories.add(path[:-1])
                entries.append((path[:-1], stat.S_IFDIR | 0o755, b""))
        elif isinstance(source, tuple):
            entries.append((path, stat.S_IFLNK | 0o777, source[1].encode()))
        else:
            data = source if isinstance(source, bytes) else source.read_bytes()
            entries.append((path, stat.S_IFREG | 0o755, data))
    entries.append(("TRAILER!!!", 0, b""))
    return b"".join(_record(number, *entry) for number, entry in enumerate(entries, start=1))


def _record(number, name, mode, data):
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)
