# SPDX-License-Identifier: Apache-2.0
"""The root file system of the workloads: programs of Debian 12, unpacked, cached between runs.

Packages are unpacked with all that they depend on; their maintainer scripts do not run, so what
those would have made and the workloads need is made here. Read-only for everybody who uses it.
"""
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

from vbnode import locks, mirror
from vbnode.roots import cache_dir

SUITE = "bookworm"
PACKAGES = (
    # to have a system at all
    "base-files", "base-passwd", "bash", "busybox-static", "coreutils", "dash", "grep", "iproute2",
    "libc-bin", "netbase", "procps",
    # languages: CPython and its own tests, C extensions, Java, JavaScript, Rust (fd), Go (direnv, hey)
    "python3", "libpython3.11-testsuite", "python3-lxml", "python3-yaml", "ant",
    "openjdk-17-jre-headless", "nodejs", "fd-find", "direnv", "hey",
    # plugins by dlopen, and DDS
    "gstreamer1.0-tools", "gstreamer1.0-plugins-base", "gstreamer1.0-plugins-good",
    "libclass-loader-dev", "cyclonedds-tools",
)
SHIM = "usr/local/lib/libautonomy_preload.so"


def ensure():
    """The directory of the root, which is built when the cache has none that is current."""
    directory = cache_dir() / "workloads"
    directory.mkdir(exist_ok=True)
    with locks.alone(directory / "build-lock"):
        cached = sorted(path for path in directory.glob("root-*") if path.is_dir())
        recipe = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()[:8]
        current = [path for path in cached if path.name.endswith(recipe)]
        if current and mirror.asked_recently(directory, SUITE):
            return current[-1]
        try:
            suite = mirror.Suite(SUITE, cache_dir() / "apt" / SUITE)
            versions = json.dumps(suite.versions(PACKAGES), sort_keys=True)
        except mirror.MirrorError:
            if not current:
                raise
            mirror.note_asked(directory, SUITE, failed=True)
            return current[-1]
        path = directory / f"root-{hashlib.sha256(versions.encode()).hexdigest()[:8]}-{recipe}"
        if not path.exists():
            build(suite, path)
        for old in cached:
            if old != path:
                shutil.rmtree(old, ignore_errors=True)
        mirror.note_asked(directory, SUITE)
        return path


def build(suite, path):
    print(f"building the root of the workloads from {suite.name} (some minutes) ...",
          file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        root = pathlib.Path(scratch) / "root"
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(parents=True, exist_ok=True)
            (root / name).symlink_to(f"usr/{name}")
        for archive in suite.download_with_dependencies(PACKAGES, pathlib.Path(scratch) / "debs"):
            subprocess.run(
                f"dpkg-deb --fsys-tarfile '{archive}' | tar -x --keep-directory-symlink -C root "
                "--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' "
                "--exclude='./usr/share/locale/*'",
                shell=True, cwd=scratch, check=True)
        finish(root)
        root.chmod(0o755)
        root.rename(path)


def finish(root):
    """What maintainer scripts would have done, and places for what is mounted."""
    for name in ("passwd", "group"):
        shutil.copy(root / f"usr/share/base-passwd/{name}.master", root / "etc" / name)
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    (root / "etc/resolv.conf").write_text("")
    if not (root / "usr/bin/sh").exists():
        (root / "usr/bin/sh").symlink_to("dash")
    (root / SHIM).parent.mkdir(parents=True, exist_ok=True)
    (root / SHIM).write_bytes(b"")
    for name in ("dev", "proc", "tmp", "root", "run", "mnt"):
        (root / name).mkdir(exist_ok=True)
    subprocess.run(["ldconfig", "-r", root], check=True)
