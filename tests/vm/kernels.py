# SPDX-License-Identifier: Apache-2.0
"""Kernels of Debian suites, cached between runs and keyed by their packages' versions."""
import dataclasses
import pathlib
import subprocess
import tempfile

from vbnode import mirror
from vbnode.roots import cache_dir

_META = "linux-image-amd64"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel image on disk."""
    suite: str
    version: str
    path: pathlib.Path


def ensure_kernel(suite):
    """Returns the suite's `Kernel` for x86-64, from the cache when that has a recent one."""
    directory = cache_dir() / "kernels"
    directory.mkdir(exist_ok=True)
    cached = _cached(directory, suite)
    if cached and mirror.asked_recently(directory, suite):
        return cached
    try:
        offered = mirror.Suite(suite, cache_dir() / "apt" / suite)
        package = offered.show(_META)[_META]["Depends"].split(" ")[0]
        version = offered.versions([package])[package]
    except mirror.MirrorError:
        if not cached:
            raise
        mirror.note_asked(directory, suite, failed=True)
        return cached
    kernel = Kernel(suite, version, directory / f"{suite}-{version}.vmlinuz")
    if not kernel.path.exists():
        _fetch(offered, package, kernel.path)
        for old in directory.glob(f"{suite}-*.vmlinuz"):
            if old != kernel.path:
                old.unlink()
    mirror.note_asked(directory, suite)
    return kernel


def _cached(directory, suite):
    for path in directory.glob(f"{suite}-*.vmlinuz"):
        return Kernel(suite, path.stem.removeprefix(f"{suite}-"), path)
    return None


def _fetch(suite, package, path):
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        archive = suite.download(package, scratch)
        subprocess.run(f"dpkg-deb --fsys-tarfile '{archive}' | "
                       "tar -x --wildcards './boot/vmlinuz-*'",
                       shell=True, cwd=scratch, check=True)
        next(pathlib.Path(scratch).glob("boot/vmlinuz-*")).rename(path)
