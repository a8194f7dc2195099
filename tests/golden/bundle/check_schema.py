#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case that has an answer again with --json.

The report must be valid by the schema, the exit code that of the text, and what the report says
must stand in the text.
"""

import json
import pathlib
import subprocess
import sys

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases  # noqa: E402


def read(path):
    return path.read_text() if path.exists() else ""


def arguments(case):
    return (case / "args").read_text().split()


def check(program, validator, case):
    words = arguments(case)
    run = subprocess.run(
        [*program, *words, "--json"], cwd=case, stdout=subprocess.PIPE, check=False
    )
    assert run.returncode == int((case / "exit").read_text()), run.returncode
    report = json.loads(run.stdout)
    validator.validate(report)
    assert report["command"] == words[1]
    for result in report["bundles"]:
        assert (result["bundle"] is None) == (result["error"] is not None)
        if "--json" in words:
            continue
        if result["error"] is not None:
            assert result["error"]["what"] in read(case / "expected-error.txt")
        elif words[1] == "show":
            assert result["bundle"]["digest"] in read(case / "expected.txt")
        else:
            assert result["bundle"]["signer"] in read(case / "expected.txt")


check_cases(CASES, arguments, check, minimum=7)
