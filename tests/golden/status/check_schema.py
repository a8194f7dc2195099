#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case of `status` again with --json.

The report must be valid by the schema and its exit code that of the text; all containers of the
state directory are in it. No line of a text but a long name is wider than 80 columns.
"""

import json
import pathlib
import subprocess
import sys

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases  # noqa: E402


def arguments(case):
    return (case / "args").read_text().split()


def check(program, validator, case):
    words = arguments(case)
    run = subprocess.run([*program, *words, *([] if "--json" in words else ["--json"])], cwd=case,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    assert run.returncode == int((case / "exit").read_text())
    report = json.loads(run.stdout)
    validator.validate(report)
    files = list((case / "state" / "outcomes").glob("*.json"))
    damaged = [item for item in report["damaged"] if "/outcomes/" in item["file"]]
    if words[1].startswith("--"):
        state = words[words.index("--state") + 1]
        assert len(report["containers"]) + len(damaged) == (len(files) if state == "state" else 0)
    if "--json" not in words:
        text = (case / "expected.txt").read_text()
        assert all(len(line) <= 80 or line.count("/") == 2 for line in text.split("\n")), case


check_cases(CASES, arguments, check, 15)
