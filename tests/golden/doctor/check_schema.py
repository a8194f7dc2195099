#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: every case again with --json, and this machine's own facts.

The report must be valid by the schema, its exit code that of the text, and judging the facts in it
once more must give the same report. No line of a text is wider than a terminal of 80 columns.
"""
import json
import pathlib
import subprocess
import sys

import jsonschema

CASES = pathlib.Path(__file__).parent


def run(program, *arguments, stdin=None):
    return subprocess.run([*program, "doctor", *arguments], input=stdin, text=True,
                          stdout=subprocess.PIPE, check=False)


def check(program, validator, report):
    again = run(program, "--json", "--facts", "-", stdin=report.stdout)
    assert again.stdout == report.stdout and again.returncode == report.returncode
    content = json.loads(report.stdout)
    validator.validate(content)
    levels = [finding["level"] for finding in content["findings"]]
    assert content["summary"] == {level: levels.count(level) for level in content["summary"]}
    assert report.returncode == (1 if "problem" in levels else 0)


def main():
    schema_path, *program = sys.argv[1:]
    schema = json.loads(pathlib.Path(schema_path).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    check(program, validator, run(program, "--json"))
    checked = 0
    for facts in sorted(CASES.glob("*/facts.json")):
        if (facts.parent / "exit").read_text().strip() == "2":
            continue
        report = run(program, "--json", "--facts", str(facts))
        check(program, validator, report)
        text = run(program, "--facts", str(facts))
        assert text.returncode == report.returncode
        assert max(map(len, text.stdout.split("\n"))) <= 80, facts
        checked += 1
    assert checked >= 30, checked
    print(f"{checked} reports are valid")


main()
