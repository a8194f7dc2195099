# SPDX-License-Identifier: Apache-2.0
"""Go programs of the tests, built with the compiler and the libraries that Debian has, and cached.

Both are unpacked from Debian 13's packages to a directory that is gone afterwards."""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

from . import locks, mirror
from .roots import cache_dir

SUITE = "trixie"


def program(source, libraries=()):
    """The path of the program of a source file; `libraries` are Debian's packages of its imports."""
    packages = ("golang-go", *libraries)
    directory = cache_dir() / "golang"
    directory.mkdir(exist_ok=True)
    key = hashlib.sha256(source.read_bytes() + repr((SUITE, packages)).encode()).hexdigest()[:16]
    path = directory / key
    with locks.alone(directory / "build-lock"):
        if not path.exists():
            _build(source, packages, path)
    return path


def _build(source, packages, path):
    print(f"building {source.name} (a minute) ...", file=sys.stderr, flush=True)
    suite = mirror.Suite(SUITE, cache_dir() / "apt" / SUITE)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        scratch = pathlib.Path(scratch)
        for archive in suite.download_with_dependencies(packages, scratch / "debs"):
            subprocess.run(["dpkg-deb", "--extract", archive, scratch / "root"], check=True)
        (go,) = scratch.glob("root/usr/lib/go-*/bin/go")
        environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "CGO_ENABLED": "0",
                       "GOROOT": str(go.parent.parent), "GOCACHE": str(scratch / "cache"),
                       "GOPATH": str(scratch / "root/usr/share/gocode"),
                       # The libraries lie in GOPATH and nothing may be fetched.
                       "GO111MODULE": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
        subprocess.run([go, "build", "-o", scratch / "program", source], env=environment, check=True)
        (scratch / "program").rename(path)
