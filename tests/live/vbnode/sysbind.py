# SPDX-License-Identifier: Apache-2.0
"""The few Linux system calls that Python 3.11 lacks."""
import ctypes
import fcntl
import os
import socket
import struct

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MS_SHARED = 0x100000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def mount(source, target, fstype=None, flags=0, options=None):
    """mount(2)."""
    encoded = [None if text is None else os.fsencode(text)
               for text in (source, target, fstype, options)]
    _check(_libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3]),
           f"mount {source} on {target}")


def detach(target):
    """umount2(2) with MNT_DETACH: the whole tree of mounts at `target`."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def pivot_to(new_root):
    """Makes `new_root`, a mount point, the root and lets go of the old one."""
    os.chdir(new_root)
    # Both arguments the same: the old root ends up below the new one, from where it is detached.
    _check(_libc.pivot_root(b".", b"."), f"pivot_root {new_root}")
    detach(".")
    os.chdir("/")


def unshare(flags):
    """unshare(2)."""
    _check(_libc.unshare(flags), "unshare")


def setns(fd):
    """setns(2) with the namespace that the open file stands for."""
    _check(_libc.setns(fd, 0), "setns")


def set_hostname(name):
    """sethostname(2)."""
    encoded = name.encode()
    _check(_libc.sethostname(encoded, len(encoded)), "sethostname")


def prctl(option, value):
    """prctl(2) with one argument."""
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), f"prctl {option}")


def loopback_up():
    """Brings up `lo` of the current network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = fcntl.ioctl(sock, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0))
        flags = struct.unpack("16sh14x", request)[1] | IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))
