# SPDX-License-Identifier: Apache-2.0
"""Kernels of Debian suites, cached between runs and keyed by suite, architecture and version."""
import dataclasses
import lzma
import pathlib
import re
import shutil
import tempfile

from vbnode import locks, mirror, trees
from vbnode.roots import cache_dir

# Of the modules of a kernel that is not small: qemu's way to share directories, and the network.
_SHARING = ("*/netfs.ko*", "*/9p*.ko*", "*/*failover.ko*", "*/virtio_net.ko*", "*/overlay.ko*")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel image on disk. `architecture` is Debian's name of one."""
    suite: str
    architecture: str
    version: str
    path: pathlib.Path

    @property
    def modules(self):
        """What /usr/lib/modules has: all of a small kernel, what sharing directories needs of one for
        arm64, and nothing else."""
        return self.path.with_name(f"{self.path.stem}.modules")

    def load_order(self, *names):
        """[(name, bytes)] of modules and all that they depend on, as insmod wants them."""
        files = {path.name.split(".")[0].replace("-", "_"): path
                 for path in self.modules.rglob("*.ko*")}
        ordered = {}

        def add(name):
            if name in ordered:
                return
            data = lzma.decompress(files[name].read_bytes())
            for needed in re.search(rb"\0depends=([^\0]*)\0", data)[1].decode().split(","):
                if needed:
                    add(needed.replace("-", "_"))
            ordered[name] = data

        for name in names:
            add(name)
        return list(ordered.items())


def ensure_kernel(suite, architecture="amd64", small=False):
    """Returns the suite's `Kernel`, from the cache when that has a recent one. `small` is the one for
    clouds, which has ext4 and virtio's bus in itself."""
    directory = cache_dir() / "kernels"
    directory.mkdir(exist_ok=True)
    kind = "cloud-" if small else ""
    own = "" if architecture == "amd64" else f"{architecture}-"
    name = f"{kind}{own}{suite}"
    with locks.alone(directory / f"{name}.build-lock"):
        cached = _cached(directory, name, suite, architecture)
        if cached and mirror.asked_recently(directory, name):
            return cached
        try:
            offered = mirror.Suite(suite, cache_dir() / "apt" / f"{suite}-{architecture}", architecture)
            package = _newest(offered, f"linux-image-{kind}{architecture}")
            version = offered.versions([package])[package]
        except mirror.MirrorError:
            if not cached:
                raise
            mirror.note_asked(directory, name, failed=True)
            return cached
        kernel = Kernel(suite, architecture, version, directory / f"{name}-{version}.vmlinuz")
        if not kernel.path.exists():
            _fetch(offered, package, kernel, ["*/modules/*"] if small else _SHARING if own else [])
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


def _cached(directory, name, suite, architecture):
    for path in directory.glob(f"{name}-*.vmlinuz"):
        return Kernel(suite, architecture, path.stem.removeprefix(f"{name}-"), path)
    return None


def _fetch(suite, package, kernel, modules):
    with tempfile.TemporaryDirectory(dir=kernel.path.parent) as scratch:
        archive = suite.download(package, scratch)
        trees.extract(archive, scratch, "--wildcards", "./boot/vmlinuz-*", *modules)
        if modules:
            shutil.rmtree(kernel.modules, ignore_errors=True)
            (pathlib.Path(scratch) / "usr/lib/modules").rename(kernel.modules)
        next(pathlib.Path(scratch).glob("boot/vmlinuz-*")).rename(kernel.path)
