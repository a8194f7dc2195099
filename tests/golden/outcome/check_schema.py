#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA TEST-PROGRAM...: has the programs write down every outcome that they judge.

Each must be valid by the schema and have the members that it describes, and no other; of states and
levels all must have come up.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import jsonschema


def outcomes_of(programs):
    """What vambrace-nri would write, of all tests of the programs."""
    with tempfile.TemporaryDirectory() as work:
        record = pathlib.Path(work) / "outcomes"
        for program in programs:
            subprocess.run([program], env={**os.environ, "VB_RECORD_OUTCOMES": str(record)},
                           stdout=subprocess.DEVNULL, check=True)
        return [json.loads(line) for line in record.read_text().splitlines()]


def words_of(definition):
    return set(definition["enum"])


def main():
    schema = json.loads(pathlib.Path(sys.argv[1]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    outcomes = outcomes_of(sys.argv[2:])
    layers = [layer for outcome in outcomes for layer in outcome["layers"].values()]
    for outcome in outcomes:
        validator.validate(outcome)
        assert outcome.keys() == schema["properties"].keys(), outcome
    assert {outcome["level"] for outcome in outcomes} == words_of(schema["properties"]["level"])
    states = schema["$defs"]["layer"]["properties"]["state"]
    assert {layer["state"] for layer in layers} == words_of(states)
    speculation = schema["properties"]["layers"]["properties"]["spec_allow"]["properties"]
    for key, definition in speculation.items():
        seen = {outcome["layers"]["spec_allow"][key] for outcome in outcomes}
        assert seen == words_of(definition), seen
    print(f"{len(outcomes)} outcomes are valid")


main()
