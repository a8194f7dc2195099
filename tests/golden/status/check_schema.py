#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case of `status` again with --json.

The report must be valid by the schema and its exit code that of the text; all containers of the
state directory are in it. No line of a text but a long name is wider than 80 columns.
"""

import pathlib
import sys

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases, report_of, words_of  # noqa: E402


def check(program, validator, case):
    words = words_of(case)
    report = report_of(program, validator, case)
    files = list((case / "state" / "outcomes").glob("*.json"))
    damaged = [item for item in report["damaged"] if "/outcomes/" in item["file"]]
    if words[1].startswith("--"):
        state = words[words.index("--state") + 1]
        assert len(report["containers"]) + len(damaged) == (len(files) if state == "state" else 0)
    if "--json" not in words:
        text = (case / "expected.txt").read_text()
        assert all(len(line) <= 80 or line.count("/") == 2 for line in text.split("\n")), case


check_cases(CASES, words_of, check, 15)
