# SPDX-License-Identifier: Apache-2.0
"""Kernels of Debian suites, cached between runs and keyed by their packages' versions."""
import dataclasses
import pathlib
import shlex
import shutil
import subprocess
import tempfile

from vbnode import mirror
from vbnode.roots import cache_dir

_META = "linux-image-amd64"
_SMALL_META = "linux-image-cloud-amd64"


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel image on disk."""
    suite: str
    version: str
    path: pathlib.Path

    @property
    def modules(self):
        """What /usr/lib/modules has; only of a kernel in small."""
        return self.path.with_name(f"{self.path.stem}.modules")


def ensure_kernel(suite, small=False):
    """Returns the suite's `Kernel` for x86-64, from the cache when that has a recent one. `small`
    is the one for clouds, which has ext4 and virtio's bus in itself, with its modules."""
    directory = cache_dir() / "kernels"
    directory.mkdir(exist_ok=True)
    name = f"cloud-{suite}" if small else suite
    cached = _cached(directory, name, suite)
    if cached and mirror.asked_recently(directory, name):
        return cached
    try:
        offered = mirror.Suite(suite, cache_dir() / "apt" / suite)
        package = _newest(offered, _SMALL_META if small else _META)
        version = offered.versions([package])[package]
    except mirror.MirrorError:
        if not cached:
            raise
        mirror.note_asked(directory, name, failed=True)
        return cached
    kernel = Kernel(suite, version, directory / f"{name}-{version}.vmlinuz")
    if not kernel.path.exists():
        _fetch(offered, package, kernel, small)
        for old in directory.glob(f"{name}-*.vmlinuz"):
            if old != kernel.path:
                old.unlink()
                shutil.rmtree(old.with_suffix(".modules"), ignore_errors=True)
    mirror.note_asked(directory, name)
    return kernel


def _newest(suite, meta):
    """The package of an image that the meta package leads to."""
    depends = suite.show(meta)[meta]["Depends"]
    return next(entry.split(" ")[0] for entry in depends.split(", ")
                if entry.startswith("linux-image-"))


def _cached(directory, name, suite):
    for path in directory.glob(f"{name}-*.vmlinuz"):
        return Kernel(suite, path.stem.removeprefix(f"{name}-"), path)
    return None


def _fetch(suite, package, kernel, with_modules):
    with tempfile.TemporaryDirectory(dir=kernel.path.parent) as scratch:
        archive = suite.download(package, scratch)
        wanted = ["./boot/vmlinuz-*"] + ["./usr/lib/modules/*"] * with_modules
        subprocess.run(f"dpkg-deb --fsys-tarfile '{archive}' | "
                       f"tar -x --wildcards {shlex.join(wanted)}",
                       shell=True, cwd=scratch, check=True)
        if with_modules:
            shutil.rmtree(kernel.modules, ignore_errors=True)
            (pathlib.Path(scratch) / "usr/lib/modules").rename(kernel.modules)
        next(pathlib.Path(scratch).glob("boot/vmlinuz-*")).rename(kernel.path)
