# SPDX-License-Identifier: Apache-2.0
"""Programs that Debian 12 lacks or has only with much around them, taken out of packages of the
machine's mirror. They run on any Debian from 12 on."""
import subprocess
import tempfile

from . import mirror
from .roots import cache_dir

# {program: (suite, package)}; each is /usr/bin/<program> there.
_SOURCES = {"kubectl": ("trixie", "kubectl"), "kustomize": ("trixie", "kustomize"),
            "promtool": ("bookworm", "prometheus")}


def program(name):
    """The path of a program, cached."""
    directory = cache_dir() / "tools"
    directory.mkdir(exist_ok=True)
    path = directory / name
    if path.exists() and mirror.asked_recently(directory, name):
        return path
    suite, package = _SOURCES[name]
    try:
        _take(mirror.Suite(suite, cache_dir() / "apt" / suite), package, path)
    except mirror.MirrorError:
        if not path.exists():
            raise
    mirror.note_asked(directory, name)
    return path


def _take(suite, package, path):
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        archive = suite.download(package, scratch)
        subprocess.run(f"dpkg-deb --fsys-tarfile '{archive}' | tar -x ./usr/bin/{path.name}",
                       shell=True, cwd=scratch, check=True)
        (archive.parent / "usr/bin" / path.name).rename(path)
