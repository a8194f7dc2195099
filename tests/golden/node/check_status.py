#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_status.py SCHEMA PROGRAM: each report.json is valid by the schema, and PROGRAM makes of it
what expected.txt says. The reports that `vambrace node status` itself makes need a containerd: the
live tests check each of theirs by the same schema."""
import json
import pathlib
import subprocess
import sys

import jsonschema

schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
reports = sorted(pathlib.Path(__file__).parent.glob("*/report.json"))
assert len(reports) >= 4
for report in reports:
    validator.validate(json.loads(report.read_text()))
    run = subprocess.run([sys.argv[2], report], stdout=subprocess.PIPE, text=True, check=True)
    expected = (report.parent / "expected.txt").read_text()
    assert run.stdout == expected, (report, run.stdout)
lacking = {"node_version": 1, "installed": True, "containerd": "2", "config": "c", "problems": []}
assert not validator.is_valid(lacking), "what is installed has to be told"
