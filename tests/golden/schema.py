# SPDX-License-Identifier: Apache-2.0
"""For the check_schema.py of a command: runs its golden cases again with --json."""

import json
import pathlib
import subprocess
import sys

import jsonschema


def words_of(case):
    """The command line of a case whose words hold no blanks."""
    return (case / "args").read_text().split()


def report_of(program, validator, case):
    """The report of a case, which must be valid, with the exit code of the text."""
    words = words_of(case)
    run = subprocess.run([*program, *words, *([] if "--json" in words else ["--json"])], cwd=case,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    assert run.returncode == int((case / "exit").read_text())
    report = json.loads(run.stdout)
    validator.validate(report)
    return report


def check_cases(directory, arguments, check, minimum):
    """check_schema.py SCHEMA VAMBRACE...: calls check(program, validator, case) for every case that
    ends with a report. arguments(case) are those of the command line; at least `minimum` cases must
    have been checked.
    """
    schema_path, *program = sys.argv[1:]
    schema = json.loads(pathlib.Path(schema_path).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    checked = 0
    for case in sorted(directory.iterdir()):
        if not (case / "exit").exists() or (case / "exit").read_text().strip() == "2":
            continue
        if arguments(case)[0] != directory.name or "--help" in arguments(case):
            continue
        try:
            check(program, validator, case)
        except Exception:
            print(f"case {case.name}:", file=sys.stderr)
            raise
        checked += 1
    assert checked >= minimum, checked
    print(f"{checked} reports are valid")
