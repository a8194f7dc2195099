#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case that derives something again with --json.

The report must be valid by the schema, the exit code that of the text; every entry must stand in
the text, or the manifest must have as many more.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases  # noqa: E402


def arguments(case):
    return (case / "args").read_text().split()


def listed(manifest):
    """How many entries a manifest lists."""
    preload = manifest.get("hardening", {}).get("preload", {})
    lists = [manifest.get("dlopen_allowlist", {}).get("paths", [])]
    lists += [preload.get(f"{name}_allowlist", []) for name in ("exec", "connect")]
    return sum(map(len, lists))


def check_update(into, before, after):
    dropped = into["unseen"] if into["replaced"] else 0
    assert listed(after) == listed(before) + into["added"] - dropped


def check(program, validator, case):
    expected = (case / "expected.txt").read_text() if (case / "expected.txt").exists() else ""
    stdin = case / "stdin" if (case / "stdin").exists() else pathlib.Path("/dev/null")
    with tempfile.TemporaryDirectory() as work:
        copy = shutil.copytree(case, pathlib.Path(work) / "case")
        with open(stdin, "rb") as handle:
            run = subprocess.run(
                [*program, *arguments(case), "--json"],
                cwd=copy,
                stdin=handle,
                stdout=subprocess.PIPE,
                check=False,
            )
        manifests = [
            json.loads((place / "manifest.json").read_text())
            for place in (case, copy)
            if (place / "manifest.json").exists()
        ]
    assert run.returncode == int((case / "exit").read_text()), run.returncode
    report = json.loads(run.stdout)
    validator.validate(report)
    assert report["incomplete"] == (run.returncode == 1)
    if report["into"]:
        check_update(report["into"], *manifests)
        return
    for entry in report["entries"]:
        assert json.dumps(entry) in expected, entry


check_cases(CASES, arguments, check, 10)
