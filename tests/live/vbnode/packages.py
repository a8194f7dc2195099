# SPDX-License-Identifier: Apache-2.0
"""Programs of Debian 12 and the libraries that they need, for images; unpacked once and cached."""
import hashlib
import os
import shutil
import tempfile
import pathlib

from . import images, locks, mirror, trees
from .roots import cache_dir

SUITE = "bookworm"


def files(packages, programs):
    """{path in an image: file on the host} of programs (paths) that are in these packages. Their
    maintainer scripts do not run."""
    directory = cache_dir() / "packages"
    directory.mkdir(exist_ok=True)
    key = hashlib.sha256(repr((SUITE, packages, programs)).encode()).hexdigest()[:16]
    kept = directory / key
    with locks.alone(directory / "build-lock"):
        if not kept.is_dir():
            _unpack(packages, programs, kept)
    return {f"/{path.relative_to(kept)}": path for path in kept.rglob("*") if path.is_file()}


def _unpack(packages, programs, kept):
    suite = mirror.Suite(SUITE, cache_dir() / "apt" / SUITE)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=kept.parent) as scratch:
        scratch = pathlib.Path(scratch)
        root = scratch / "root"
        trees.merge_usr(root)
        for archive in suite.download_with_dependencies(packages, scratch / "debs"):
            trees.extract(archive, root)
        loader = next(root.glob("lib*/ld-linux*.so.*")).relative_to(root)
        for program in programs:
            needed = images.needed_libraries(program, ("chroot", root, f"/{loader}", "--list"))
            for path in {program, *needed}:
                target = scratch / "kept" / os.path.normpath(path).lstrip("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / path.lstrip("/"), target)
        (scratch / "kept").rename(kept)
