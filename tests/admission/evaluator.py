# SPDX-License-Identifier: Apache-2.0
"""The program evaluate.go, built with the CEL library that Debian has, cached between runs.

Compiler and library are unpacked from Debian 13's packages to a directory that is gone afterwards.
"""
import fcntl
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from vbnode import mirror
from vbnode.roots import cache_dir

SUITE = "trixie"
PACKAGES = ("golang-go", "golang-github-google-cel-go-dev", "golang-gopkg-yaml.v3-dev")
SOURCE = pathlib.Path(__file__).parent / "evaluate.go"


def ensure():
    """The program's path."""
    directory = cache_dir() / "admission"
    directory.mkdir(exist_ok=True)
    key = hashlib.sha256(SOURCE.read_bytes() + repr((SUITE, PACKAGES)).encode()).hexdigest()[:16]
    path = directory / key
    with open(directory / "build-lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _build(path)
    return path


def _build(path):
    print("building the evaluator of CEL (a minute) ...", file=sys.stderr, flush=True)
    suite = mirror.Suite(SUITE, cache_dir() / "apt" / SUITE)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=path.parent) as scratch:
        scratch = pathlib.Path(scratch)
        for archive in suite.download_with_dependencies(PACKAGES, scratch / "debs"):
            subprocess.run(["dpkg-deb", "--extract", archive, scratch / "root"], check=True)
        (go,) = scratch.glob("root/usr/lib/go-*/bin/go")
        environment = {"PATH": os.environ["PATH"], "HOME": str(scratch), "CGO_ENABLED": "0",
                       "GOROOT": str(go.parent.parent), "GOCACHE": str(scratch / "cache"),
                       "GOPATH": str(scratch / "root/usr/share/gocode"),
                       # The library lies in GOPATH and nothing may be fetched.
                       "GO111MODULE": "off", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
        subprocess.run([go, "build", "-o", scratch / "evaluate", SOURCE], env=environment, check=True)
        (scratch / "evaluate").rename(path)


def evaluate(policy, requests):
    """The verdict on each request: `matched`, `denials` (messages) and `cost`. Raises ValueError
    when the policy is not valid."""
    run = subprocess.run([ensure(), policy], input=json.dumps(requests), capture_output=True,
                         text=True, check=False)
    if run.returncode != 0:
        raise ValueError(run.stderr)
    return json.loads(run.stdout)
