# SPDX-License-Identifier: Apache-2.0
"""Directories made from a suite's packages, without installing them, and kept between runs."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from . import locks, mirror
from .roots import cache_dir


def ensure(kind, name, suite, version_of, fill):
    """Returns <cache>/<kind>/<name>_<version>; `name` says for which suite and architecture it is.

    When the mirror was not asked lately, version_of(suite()) is what it offers, and where the cache
    has another version, fill(suite(), directory) makes it. Without the mirror, what is cached is good.
    """
    directory = cache_dir() / kind
    directory.mkdir(exist_ok=True)
    with locks.alone(directory / f"{name}.lock"):
        cached = sorted(directory.glob(f"{name}_*"))
        if cached and mirror.asked_recently(directory, name):
            return cached[-1]
        try:
            offered = suite()
            path = directory / f"{name}_{version_of(offered)}"
        except mirror.MirrorError:
            if not cached:
                raise
            mirror.note_asked(directory, name, failed=True)
            return cached[-1]
        if not path.exists():
            _make(path, lambda made: fill(offered, made))
        for old in cached:
            if old != path:
                shutil.rmtree(old)
        mirror.note_asked(directory, name)
        return path


def _make(path, fill):
    """A directory under its name is a whole one."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix=".new-", dir=path.parent))
    try:
        (scratch / "tree").mkdir()
        fill(scratch / "tree")
        (scratch / "tree").rename(path)
    finally:
        shutil.rmtree(scratch)


def extract(archive, tree, *patterns):
    """Unpacks a package, or what of it tar's patterns say; no script of it runs."""
    subprocess.run(f"dpkg-deb --fsys-tarfile '{archive}' | tar -x --keep-directory-symlink "
                   f"-C '{tree}' " + " ".join(f"'{pattern}'" for pattern in patterns),
                   shell=True, check=True)


def merge_usr(tree):
    """Older packages have files in /lib where younger ones have them in /usr/lib, and so on."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")


def stay_inside(tree):
    """Absolute links, of the loader for one, become relative: they are meant for a root of its own."""
    for link in tree.rglob("*"):
        if link.is_symlink() and os.readlink(link).startswith("/"):
            target = os.path.relpath(f"{tree}{os.readlink(link)}", link.parent)
            link.unlink()
            link.symlink_to(target)
