#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case that judges a bundle again with --json.

The report must be valid by the schema, the exit code that of the text; every finding must stand in
the text, and the text must have no others.
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
    run = subprocess.run(
        [*program, *arguments(case), "--json"], cwd=case, stdout=subprocess.PIPE, check=False
    )
    assert run.returncode == int((case / "exit").read_text()), run.returncode
    report = json.loads(run.stdout)
    validator.validate(report)
    assert report["strict"] == ("--strict" in arguments(case))
    assert all(bundle["fine"] for bundle in report["bundles"]) == (run.returncode == 0)
    findings = [finding for bundle in report["bundles"] for finding in bundle["findings"]]
    for bundle in report["bundles"]:
        levels = [finding["level"] for finding in bundle["findings"]]
        assert levels.count("error") == bundle["errors"]
        assert levels.count("warning") == bundle["warnings"]
    if "--json" in arguments(case):
        return
    expected = (case / "expected.txt").read_text()
    for found in findings:
        where = f"{found['file']}:{found['at']['line']}:{found['at']['column']}"
        assert f"{where}: {found['level']}: {found['what']}\n  {found['fix']}\n" in expected, found
    assert len(expected.splitlines()) == 2 * len(findings) + len(report["bundles"])


check_cases(CASES, arguments, check, 30)
