#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case of `why` again with --json.

The report must be valid by the schema and its exit code that of the text; the counts of seccomp
records add up. No line of a text is wider than 80 columns, and none holds a control character.
"""

import pathlib
import sys

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases, report_of, words_of  # noqa: E402


def check(program, validator, case):
    words = words_of(case)
    report = report_of(program, validator, case)
    counts = report["seccomp"]
    assert counts["records"] == sum(
        counts[key] for key in ("attributed", "of_others", "logged", "unattributed"))
    if "--json" not in words:
        text = (case / "expected.txt").read_text()
        assert all(len(line) <= 80 for line in text.split("\n")), case
        assert all(char == "\n" or char.isprintable() for char in text), case


check_cases(CASES, words_of, check, 10)
