# SPDX-License-Identifier: Apache-2.0
"""Disks of virtual machines: roots of nodes as ext4 images, cached between runs and keyed by what
is on them."""
import fcntl
import os
import pathlib
import subprocess
import tempfile

from vbnode import locks, roots

_SIZE = "3G"  # sparse


def ensure_disk(suite, kernel):
    """Returns (the image's path, the `Root` on it) for a suite and the kernel whose modules are to
    be on it. The image is for everybody: whoever writes to it has a layer of their own over it."""
    root = roots.ensure_root(suite)
    directory = roots.cache_dir() / "disks"
    directory.mkdir(exist_ok=True)
    with open(root.lock_path, "a", encoding="ascii") as in_use, \
            locks.alone(directory / f"{suite}.build-lock"):
        fcntl.flock(in_use, fcntl.LOCK_SH)
        path = directory / f"{root.path.name}-{kernel.path.stem}.ext4"
        if not path.exists():
            _make(root.path, kernel.modules, path)
            for old in directory.glob(f"{suite}-*.ext4"):
                if old != path:
                    old.unlink()
    return path, root


def _make(root, modules, path):
    release = os.listdir(modules)[0]
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        scratch = pathlib.Path(scratch)
        tree, disk = scratch / "root", scratch / "disk"
        for command in (["cp", "-a", "--reflink=auto", root, tree],
                        ["cp", "-a", "-T", modules, tree / "usr/lib/modules"],
                        ["chroot", tree, "depmod", release],
                        ["mke2fs", "-q", "-t", "ext4", "-d", tree, disk, _SIZE]):
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        disk.rename(path)
