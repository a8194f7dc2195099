# SPDX-License-Identifier: Apache-2.0
"""The program evaluate.go, built with the CEL library that Debian has."""
import json
import pathlib
import subprocess

from vbnode import golang

LIBRARIES = ("golang-github-google-cel-go-dev", "golang-gopkg-yaml.v3-dev")
SOURCE = pathlib.Path(__file__).parent / "evaluate.go"


def evaluate(policy, requests):
    """The verdict on each request: `matched`, `denials` (messages) and `cost`. Raises ValueError
    when the policy is not valid."""
    run = subprocess.run([golang.program(SOURCE, LIBRARIES), policy], input=json.dumps(requests),
                         capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise ValueError(run.stderr)
    return json.loads(run.stdout)
