# SPDX-License-Identifier: Apache-2.0
"""The attacks, as data: what each is, and what stops it, in the order in which it comes to it.

An attack is stopped by the first of its `stops` whose part is there; where none is, it is open: it
ends as it does in a container without any layer.
"""
import dataclasses
import platform

from . import layers

OUTSIDE, OUTSIDE6 = "10.99.0.1:80", "[fd99::1]:80"  # where targets listen, which no list has
SHELL = "/bin/sh"
LOADED = "/opt/lib/liblisted.so"
ALLOWED = "/opt/bin/allowed"
UNLISTED = "/opt/lib/libunlisted.so"


@dataclasses.dataclass(frozen=True)
class Stop:
    """One thing that stops an attack."""
    part: str
    errno: str = "EPERM"
    unless: str = None  # this part lets it pass


@dataclasses.dataclass(frozen=True)
class Vector:
    """One attack: the word for the workload, what it is, and what stops it."""
    word: str
    title: str
    stops: tuple = ()
    line: str = None    # what the shim says of it, without the name of the list
    needs: str = None   # the capability without which the kernel would deny it anyway

    def stop(self, parts):
        """The Stop that counts in a container with these parts of layers; None: it is open."""
        there = set(parts) | layers.brought(set(parts))
        return next((stop for stop in self.stops if stop.part in there and
                     stop.unless not in there), None)

    def result(self, parts, unlayered):
        """How it ends there; `unlayered` has how each word ends without any layer."""
        stop = self.stop(parts)
        return stop.errno if stop else unlayered[self.word]


def words(vectors):
    """What the workload is told to try, each once, in this order."""
    return list(dict.fromkeys(vector.word for vector in vectors))


READ_ONLY = Stop("read_only_rootfs", "EROFS")
READ_ONLY_TMP = Stop("read_only_rootfs", "EROFS", unless="tmpfs")
EXEC, CONNECT, DLOPEN = Stop("exec"), Stop("connect"), Stop("dlopen")
SECCOMP, CLOSURE, IO_URING = Stop("seccomp"), Stop("closure"), Stop("io_uring")
CAPABILITIES = Stop("capabilities")

# Each of them is stopped with all layers on. The order is that in which they are tried.
ATTACKS = (
    Vector(f"exec={SHELL}", "exec outside the list", (EXEC,), f"execve({SHELL})"),
    Vector(f"execveat={SHELL}", "the same by execveat", (EXEC,), f"execveat({SHELL})"),
    Vector("symlink=/tmp/planted", "a link planted in a tmpfs at a listed path",
           (READ_ONLY_TMP, EXEC), "execve(/tmp/planted)"),
    Vector("symlink=/opt/bin/planted", "a link planted in the image at a listed path",
           (READ_ONLY, EXEC), "execve(/opt/bin/planted)"),
    Vector("overwrite=/opt/bin/overwritten", "a listed program overwritten", (READ_ONLY,)),
    Vector("overwrite=/tmp/program", "a program run from a tmpfs, at a listed path",
           (READ_ONLY_TMP, Stop("noexec", "EACCES"))),
    Vector(f"dlopen={UNLISTED}", "dlopen outside the list", (DLOPEN,), f"dlopen({UNLISTED})"),
    Vector("overwrite-library=/opt/lib/liboverwritten.so", "a listed library overwritten",
           (READ_ONLY,)),
    Vector(f"connect={OUTSIDE}", "connect outside the list, IPv4", (CONNECT,),
           f"connect({OUTSIDE})"),
    Vector(f"connect={OUTSIDE6}", "connect outside the list, IPv6", (CONNECT,),
           f"connect({OUTSIDE6})"),
    Vector(f"sendto={OUTSIDE}", "datagram to a denied address, IPv4", (CONNECT,),
           f"sendto({OUTSIDE})"),
    Vector(f"sendmsg={OUTSIDE6}", "datagram to a denied address, IPv6", (CONNECT,),
           f"sendmsg({OUTSIDE6})"),
    Vector(f"io-uring={OUTSIDE}", "connect by io_uring", (CONNECT, EXEC),
           "io_uring_setup(entries=1)"),
    Vector("mount", "mount", (SECCOMP,), needs="SYS_ADMIN"),
    Vector("unshare-user", "unshare of a user namespace", (SECCOMP, CLOSURE), needs="SYS_ADMIN"),
    Vector("clone-user", "the same by clone", (CLOSURE,), needs="SYS_ADMIN"),
    Vector("mount-setattr", "read-only root made writable by mount_setattr", (CLOSURE,),
           needs="SYS_ADMIN"),
    Vector("ptrace", "ptrace", (SECCOMP,), needs="SYS_PTRACE"),
    Vector("bpf", "bpf", (SECCOMP,), needs="BPF"),
    Vector("mknod", "mknod of a device", (SECCOMP, READ_ONLY_TMP), needs="MKNOD"),
    Vector("init-module", "kernel module load, init_module", (SECCOMP,), needs="SYS_MODULE"),
    Vector("finit-module", "kernel module load, finit_module", (SECCOMP,), needs="SYS_MODULE"),
    Vector("raw-socket", "raw socket", (CAPABILITIES,), needs="NET_RAW"),
    Vector("chroot=/jail", "chroot in which a listed path is another program", (CAPABILITIES,),
           needs="SYS_CHROOT"),
    Vector("setuid=/opt/bin/setuid", "more rights by a set-user-ID program",
           (Stop("no_new_privileges", "EACCES"),)),
    Vector("write=/etc/attack", "write to the root file system", (READ_ONLY,)),
    Vector("fill=/tmp/fill", "more written than a tmpfs is to hold",
           (READ_ONLY_TMP, Stop("tmpfs", "ENOSPC"))),
    Vector("descriptors=40", "more descriptors than the limit", (Stop("rlimits", "EMFILE"),)),
    # At the end, as it takes /tmp away from root.
    Vector("chown=/tmp", "chown", (READ_ONLY_TMP, CAPABILITIES), needs="CHOWN"),
)

# What must work with all layers on.
CONTROLS = (
    Vector("write=/tmp/file", "write in a tmpfs", (READ_ONLY_TMP,)),
    Vector("loopback", "connect to loopback"),
    Vector(f"exec={ALLOWED}", "exec of a listed program"),
    Vector(f"dlopen={LOADED}", "dlopen of a listed library"),
)

_FOREIGN = (Vector("exec=/opt/bin/i386", "listed 32-bit program, into which it cannot be loaded",
                   (Stop("native_abi", "SIGSYS"),)),) if platform.machine() == "x86_64" else ()
# Ways past the shim. Where none of the kernel's layers stops one, it is open.
PASSING = (
    Vector(f"inline-exec={SHELL}", "execve without libc"),
    Vector(f"memfd-exec={SHELL}", "the same of a program in memory"),
    Vector(f"libc-exec={SHELL}", "execve by dlsym from the handle of libc"),
    Vector(f"static=exec={SHELL}", "execve by a listed static program"),
    Vector("chroot=/jail", "execve in a chroot", (CAPABILITIES,)),
    Vector(f"inline-connect={OUTSIDE}", "connect without libc"),
    Vector(f"libc-connect={OUTSIDE}", "connect by dlsym from the handle of libc"),
    Vector(f"static=connect={OUTSIDE6}", "connect by a listed static program"),
    Vector(f"inline-io-uring={OUTSIDE}", "connect by io_uring, set up without libc", (IO_URING,)),
    Vector("raw-socket", "frames of one's own through a packet socket", (CAPABILITIES,)),
    Vector("setuid=/opt/bin/setuid", "set-user-ID program, which the shim does not reach",
           (Stop("no_new_privileges", "EACCES"),)),
    *_FOREIGN,
)

_CLOSED = (CLOSURE, Stop("baseline"))
# Calls that do what a call of the starter does. "baseline" stands for that profile.
SIBLINGS = (
    Vector("fsopen", "mount: fsopen", _CLOSED),
    Vector("fsconfig", "mount: fsconfig", _CLOSED),
    Vector("fsmount", "mount: fsmount", _CLOSED),
    Vector("move-mount", "mount: move_mount", _CLOSED),
    Vector("fspick", "mount: fspick", _CLOSED),
    Vector("open-tree", "mount --bind: open_tree", _CLOSED),
    Vector("new-mount", "mount of a tmpfs by these calls", _CLOSED),
    Vector("mount-setattr", "remount: mount_setattr", _CLOSED),
    Vector("open-tree-attr", "remount: open_tree_attr", (Stop("baseline", "ENOSYS"),)),
    Vector("clone-user", "unshare: clone(CLONE_NEWUSER)", _CLOSED),
    Vector("clone3-user", "unshare: clone3(CLONE_NEWUSER)",
           (Stop("closure", "ENOSYS"), Stop("baseline", "ENOSYS"))),
    Vector("process-vm-readv", "ptrace: process_vm_readv", _CLOSED),
    Vector("process-vm-writev", "ptrace: process_vm_writev", _CLOSED),
    Vector("pidfd-getfd", "ptrace: pidfd_getfd", _CLOSED),
    Vector("proc-mem", "ptrace: /proc/<pid>/mem, of processes in the container"),
    Vector("inline-io-uring", "any: io_uring_setup", (IO_URING, Stop("baseline"))),
)
