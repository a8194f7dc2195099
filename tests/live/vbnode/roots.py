# SPDX-License-Identifier: Apache-2.0
"""Node root directories: debootstrapped Debian suites with containerd, cached between runs.

A cached root is read-only for everybody (nodes put an overlay on it) and is keyed by its suite and
by the versions of the runtime packages that the mirror offers, so that a suite which moves on is
built again.
"""
import contextlib
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

PACKAGES = ("containerd", "runc", "crun", "ca-certificates", "containernetworking-plugins",
            "iproute2", "procps")
KEYED_PACKAGES = ("containerd", "runc", "crun")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEBOOTSTRAP_SCRIPTS = pathlib.Path("/usr/share/debootstrap/scripts")
# Asking the mirror costs seconds, and packages of a suite change at most a few times a day.
ASK_INTERVAL_S = 12 * 3600
# After a mirror that did not answer.
ASK_AGAIN_S = 600


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
    with _locked(roots / f"{suite}.build-lock"):
        cached = _cached_roots(roots, suite)
        if cached and _asked_recently(roots, suite):
            return cached[0]
        try:
            versions = _offered_versions(suite)
        except RootError as error:
            if not cached:
                raise
            _say(f"node root {suite}: {error}; using the cached root")
            _note_asked(roots, suite, time.time() - ASK_INTERVAL_S + ASK_AGAIN_S)
            return cached[0]
        current = next((root for root in cached if root.versions == versions), None)
        if current is None:
            current = _build(roots, suite, versions)
        _note_asked(roots, suite, time.time())
        _drop([root for root in cached if root.path != current.path])
        return current


def _say(text):
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _locked(path):
    with open(path, "a", encoding="ascii") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _cached_roots(roots, suite):
    """Complete roots of the suite, newest first."""
    found = []
    for info in roots.glob(f"{suite}-*.json"):
        path = info.with_suffix("")
        if path.is_dir():
            found.append(Root(suite, path, json.loads(info.read_text())))
    return sorted(found, key=lambda root: root.path.stat().st_mtime, reverse=True)


def _asked_recently(roots, suite):
    try:
        return time.time() - (roots / f"{suite}.asked").stat().st_mtime < ASK_INTERVAL_S
    except FileNotFoundError:
        return False


def _note_asked(roots, suite, when):
    path = roots / f"{suite}.asked"
    path.touch()
    os.utime(path, (when, when))


def _mirror():
    """The Debian mirror that this machine itself uses."""
    override = os.environ.get("VAMBRACE_MIRROR")
    if override:
        return override
    release = _host_codename()
    listing = subprocess.run(
        ["apt-get", "indextargets", "--no-release-info", "--format",
         "$(RELEASE)|$(COMPONENT)|$(REPO_URI)", "Created-By: Packages"],
        capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        line_release, component, uri = line.split("|", 2)
        if line_release == release and component == "main":
            return uri
    raise RootError(f"apt's configuration names no mirror for Debian '{release}' main; "
                    "set VAMBRACE_MIRROR")


def _host_codename():
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise RootError("/etc/os-release has no VERSION_CODENAME; set VAMBRACE_MIRROR")


def _offered_versions(suite):
    """Asks the mirror, by an apt configuration of our own, which runtime versions it offers."""
    state = cache_dir() / "apt" / suite
    for sub in ("lists/partial", "cache/archives/partial", "etc"):
        (state / sub).mkdir(parents=True, exist_ok=True)
    (state / "etc/sources.list").write_text(
        f"deb [signed-by={KEYRING}] {_mirror()} {suite} main\n")
    (state / "apt.conf").write_text(
        f'Dir::Etc::sourcelist "{state}/etc/sources.list";\n'
        'Dir::Etc::sourceparts "/dev/null";\n'
        'Dir::Etc::preferencesparts "/dev/null";\n'
        f'Dir::State::lists "{state}/lists";\n'
        'Dir::State::status "/dev/null";\n'
        f'Dir::Cache "{state}/cache";\n'
        'Acquire::Check-Valid-Until "false";\n'
        'Acquire::Languages "none";\n'
        'Acquire::Retries "1";\n'
        'Acquire::http::Timeout "20";\n'
        'APT::Update::Error-Mode "any";\n')
    env = dict(os.environ, APT_CONFIG=str(state / "apt.conf"), LC_ALL="C")
    update = subprocess.run(["apt-get", "update", "-q"], env=env, capture_output=True, text=True)
    if update.returncode != 0:
        lines = update.stderr.strip().splitlines() or ["apt-get update failed"]
        raise RootError(f"the mirror does not answer for {suite}: {lines[0]}")
    shown = subprocess.run(["apt-cache", "show", "--no-all-versions", *KEYED_PACKAGES],
                           env=env, capture_output=True, text=True).stdout
    versions = _parse_versions(shown)
    missing = set(KEYED_PACKAGES) - versions.keys()
    if missing:
        raise RootError(f"{suite} offers no package {', '.join(sorted(missing))}")
    return versions


def _parse_versions(control):
    versions, package = {}, None
    for line in control.splitlines():
        key, _, value = line.partition(": ")
        if key == "Package":
            package = value
        elif key == "Version":
            versions[package] = value
    return versions


def _build(roots, suite, versions):
    key = hashlib.sha256(json.dumps([versions, PACKAGES], sort_keys=True).encode()).hexdigest()[:12]
    path = roots / f"{suite}-{key}"
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{suite}-", dir=roots))
    began = time.monotonic()
    _say(f"building node root {suite} (debootstrap, about 40 s) ...")
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
               f"--keyring={KEYRING}", suite, str(target), _mirror(), str(script)]
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
