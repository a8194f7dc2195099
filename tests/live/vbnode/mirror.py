# SPDX-License-Identifier: Apache-2.0
"""What the machine's Debian mirror offers in a suite, by an apt configuration of our own."""
import os
import pathlib
import subprocess
import time

from . import locks

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# Asking the mirror costs seconds, and packages of a suite change at most a few times a day.
_ASK_INTERVAL_S = 12 * 3600
# After a mirror that did not answer.
_ASK_AGAIN_S = 600


class MirrorError(Exception):
    """The mirror does not answer, or lacks a package."""


def asked_recently(directory, name):
    """Whether note_asked() was called for that name some hours ago or less."""
    try:
        return time.time() - (directory / f"{name}.asked").stat().st_mtime < _ASK_INTERVAL_S
    except FileNotFoundError:
        return False


def note_asked(directory, name, failed=False):
    """Remembers that the mirror was asked just now; after a failure for some minutes only."""
    path = directory / f"{name}.asked"
    when = time.time() - (_ASK_INTERVAL_S - _ASK_AGAIN_S if failed else 0)
    path.touch()
    os.utime(path, (when, when))


def uri():
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
        line_release, component, line_uri = line.split("|", 2)
        if line_release == release and component == "main":
            return line_uri
    raise MirrorError(f"apt's configuration names no mirror for Debian '{release}' main; "
                      "set VAMBRACE_MIRROR")


def _host_codename():
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=", 1)[1].strip('"')
    raise MirrorError("/etc/os-release has no VERSION_CODENAME; set VAMBRACE_MIRROR")


class Suite:
    """One suite of the mirror, as of now. `state` is a directory for apt's lists, which several
    processes may have in use; `architecture` is Debian's name of one, this machine's where it is
    None.
    """

    def __init__(self, name, state, architecture=None):
        self.name = name
        self._lock = state / "in-use"
        self._env = dict(os.environ, APT_CONFIG=str(state / "apt.conf"), LC_ALL="C")
        state.mkdir(parents=True, exist_ok=True)
        with locks.alone(self._lock):
            self._configure(state, architecture)
            self._apt("update")

    def _configure(self, state, architecture):
        for sub in ("lists/partial", "cache/archives/partial", "etc"):
            (state / sub).mkdir(parents=True, exist_ok=True)
        (state / "etc/sources.list").write_text(f"deb [signed-by={KEYRING}] {uri()} {self.name} main\n")
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
            'APT::Sandbox::User "root";\n'
            'APT::Update::Error-Mode "any";\n'
            + (f'APT::Architecture "{architecture}";\nAPT::Architectures "{architecture}";\n'
               if architecture else ""))

    def _apt(self, *arguments, cwd=None):
        run = subprocess.run(["apt-get", "-q", *arguments], env=self._env, cwd=cwd,
                             capture_output=True, text=True)
        if run.returncode != 0:
            lines = run.stderr.strip().splitlines() or [f"apt-get {arguments[0]} failed"]
            raise MirrorError(f"the mirror does not answer for {self.name}: {lines[0]}")

    def show(self, *packages):
        """{package: {field: value}} of the newest versions; each must be there."""
        with locks.alone(self._lock):
            text = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages],
                                  env=self._env, capture_output=True, text=True).stdout
        found = {}
        for paragraph in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in paragraph.splitlines()
                          if ": " in line and line[0] != " ")
            if "Package" in fields:
                found[fields["Package"]] = fields
        missing = set(packages) - found.keys()
        if missing:
            raise MirrorError(f"{self.name} offers no package {', '.join(sorted(missing))}")
        return found

    def versions(self, packages):
        """{package: version}."""
        return {package: fields["Version"] for package, fields in self.show(*packages).items()}

    def download(self, package, directory):
        """Fetches a package and returns its file."""
        with locks.alone(self._lock):
            self._apt("download", package, cwd=directory)
        return next(pathlib.Path(directory).glob(f"{package}_*.deb"))

    def download_with_dependencies(self, packages, directory):
        """Fetches packages and all that they depend on, down to libc, and returns their files."""
        directory = pathlib.Path(directory)
        (directory / "partial").mkdir(parents=True, exist_ok=True)
        with locks.alone(self._lock):
            self._apt("install", "--download-only", "--yes", "--no-install-recommends",
                      "-o", f"Dir::Cache::archives={directory}", *packages)
        return sorted(directory.glob("*.deb"))
