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


def check_findings(report, text):
    for item in report["profiles"]:
        name = item["profile"]["name"]
        for finding in item["findings"]:
            at = finding["at"]
            line = f"{name}:{at['line']}:{at['column']}: {finding['severity']}: {finding['what']}\n"
            assert line in text, line
        errors = [finding for finding in item["findings"] if finding["severity"] == "error"]
        assert item["fine"] == (not errors)
        assert f"{name}: {'fine' if item['fine'] else 'refused'}, {len(errors)} error" in text


def check_rules(report, text):
    for rule in report["rules"]:
        assert f"\n{rule['syscall']} " in text, rule
    rows = [line for line in text.splitlines() if " syscalls[" in line]
    assert len(rows) == len(report["rules"])


def check_ways(report, text):
    for way in report["ways"]:
        assert f"number {way['number']}" in text
        assert f"): {way['answer']['action']}" in text
        assert f":{way['at']['line']}:{way['at']['column']}\n" in text


def check_text(report, text, error):
    if "refusal" in report:
        assert report["refusal"]["what"] in error, error
    elif report["command"] == "check":
        check_findings(report, text)
    elif report["command"] == "show":
        check_rules(report, text)
    elif report["command"] == "meet":
        assert report["result"] == json.loads(text)
    else:
        check_ways(report, text)


def read(path):
    return path.read_text() if path.exists() else ""


def arguments(case):
    return (case / "args").read_text().split()


def check(program, validator, case):
    words = arguments(case)
    if "--oci" in words:
        return
    # By a shell, because some arguments are patterns of file names.
    run = subprocess.run(
        ["sh", "-c", '"$@" seccomp --json ' + " ".join(words[1:]), "sh", *program],
        cwd=case,
        stdin=open(case / "stdin", "rb") if (case / "stdin").exists() else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=False,
    )
    assert run.returncode == int((case / "exit").read_text()), run.returncode
    report = json.loads(run.stdout)
    validator.validate(report)
    assert report["command"] == words[1]
    if "--json" not in words:
        check_text(report, read(case / "expected.txt"), read(case / "expected-error.txt"))


check_cases(CASES, arguments, check, minimum=40)
