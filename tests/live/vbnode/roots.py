# SPDX-License-Identifier: Apache-2.0
"""Root directories of nodes, and of the machines in tests/vm: debootstrapped Debian suites with
containerd and systemd, cached between runs.

A cached root is read-only for everybody (nodes put an overlay on it) and is keyed by its suite and
by the versions of the runtime packages that the mirror offers, so that a suite which moves on is
built again.
"""
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from . import locks, mirror

PACKAGES = ("containerd", "runc", "crun", "ca-certificates", "containernetworking-plugins",
            "iproute2", "procps", "systemd", "systemd-sysv", "dbus", "kmod", "logrotate")
KEYED_PACKAGES = ("containerd", "runc", "crun", "systemd")
DEBOOTSTRAP_SCRIPTS = pathlib.Path("/usr/share/debootstrap/scripts")


class RootError(Exception):
    """A node root can neither be built nor taken from the cache."""


@dataclasses.dataclass(frozen=True)
class Root:
    """A complete node root on disk; `versions` maps package names to Debian versions."""
    suite: str
    path: pathlib.Path
    versions: dict

    @property
    def lock_path(self):
        """Whoever uses the root holds this file with a shared flock, so that it is not dropped."""
        return self.path.with_suffix(".lock")


def cache_dir():
    """The cache of roots and images: $VAMBRACE_CACHE, or /var/cache/vambrace."""
    path = pathlib.Path(os.environ.get("VAMBRACE_CACHE", "/var/cache/vambrace"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def ensure_root(suite):
    """Returns the `Root` of a Debian suite, building it when the cache has none that is current."""
    roots = cache_dir() / "roots"
    roots.mkdir(exist_ok=True)
    with locks.alone(roots / f"{suite}.build-lock"):
        every = _cached_roots(roots, suite)
        cached = [root for root in every if root.versions.keys() == set(KEYED_PACKAGES)]
        if cached and mirror.asked_recently(roots, suite):
            return cached[0]
        try:
            versions = mirror.Suite(suite, cache_dir() / "apt" / suite).versions(KEYED_PACKAGES)
        except mirror.MirrorError as error:
            if not cached:
                raise
            _say(f"node root {suite}: {error}; using the cached root")
            mirror.note_asked(roots, suite, failed=True)
            return cached[0]
        current = next((root for root in cached if root.versions == versions), None)
        if current is None:
            current = _build(roots, suite, versions)
        mirror.note_asked(roots, suite)
        _drop([root for root in every if root.path != current.path])
        return current


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _cached_roots(roots, suite):
    """Complete roots of the suite, newest first."""
    found = []
    for info in roots.glob(f"{suite}-*.json"):
        path = info.with_suffix("")
        if path.is_dir():
            found.append(Root(suite, path, json.loads(info.read_text())))
    return sorted(found, key=lambda root: root.path.stat().st_mtime, reverse=True)


def _build(roots, suite, versions):
    key = hashlib.sha256(json.dumps([versions, PACKAGES], sort_keys=True).encode()).hexdigest()[:12]
    path = roots / f"{suite}-{key}"
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{suite}-", dir=roots))
    began = time.monotonic()
    _say(f"building node root {suite} (debootstrap, about 45 s) ...")
    try:
        _debootstrap(suite, partial)
        _prune(partial)
        partial.chmod(0o755)
        # A directory without its .json is not a cached root, so a crash in between costs a rebuild.
        shutil.rmtree(path, ignore_errors=True)
        partial.rename(path)
        path.with_suffix(".json").write_text(json.dumps(versions, sort_keys=True))
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    _say(f"node root {suite}: containerd {versions['containerd']}, runc {versions['runc']}, "
         f"crun {versions['crun']} ({time.monotonic() - began:.0f} s)")
    return Root(suite, path, versions)


def _debootstrap(suite, target):
    script = DEBOOTSTRAP_SCRIPTS / suite
    if not script.exists():
        # Debian 12's debootstrap does not know younger suites; all of them build as sid does.
        script = DEBOOTSTRAP_SCRIPTS / "sid"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
               f"--keyring={mirror.KEYRING}", suite, str(target), mirror.uri(), str(script)]
    progress = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True, env=dict(os.environ, LC_ALL="C"))
    began = shown = time.monotonic()
    tail = []
    for line in progress.stdout:
        tail = [*tail[-9:], line.rstrip()]
        if time.monotonic() - shown > 5:
            shown = time.monotonic()
            _say(f"  {shown - began:3.0f} s  {line.rstrip()}")
    if progress.wait() != 0:
        raise RootError(f"debootstrap {suite} failed:\n" + "\n".join(tail))


def _prune(root):
    """Drops what no node reads: a third of the size."""
    for directory in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / directory, ignore_errors=True)
        (root / directory / "partial").mkdir(parents=True)
    apt_conf = root / "etc/apt/apt.conf.d/99vambrace"
    apt_conf.write_text('Acquire::Check-Valid-Until "false";\n')


def _drop(old):
    """Removes roots that no running node uses; the others go at a later call."""
    for root in old:
        with open(root.lock_path, "a", encoding="ascii") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            root.path.with_suffix(".json").unlink(missing_ok=True)
            shutil.rmtree(root.path, ignore_errors=True)
            root.lock_path.unlink(missing_ok=True)
