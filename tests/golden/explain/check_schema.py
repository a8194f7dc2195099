#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_schema.py SCHEMA VAMBRACE...: runs every case that explains something again with --json.

The report must be valid by the schema, the exit code that of the text report, and each refusal's
line must stand in the text report as it is.
"""

import json
import pathlib
import subprocess
import sys

CASES = pathlib.Path(__file__).parent
sys.path.insert(0, str(CASES.parent))
from schema import check_cases  # noqa: E402


def arguments(case):
    if (case / "args").exists():
        return (case / "args").read_text().split()
    bundles = ["--bundles", "bundles"] if (case / "bundles").is_dir() else []
    return ["explain", "pod.yaml", "--node-config", "../node.json", *bundles]


def check(program, validator, case):
    expected = (case / "expected.txt").read_text()
    with open(case / "pod.yaml" if (case / "pod.yaml").exists() else "/dev/null", "rb") as stdin:
        run = subprocess.run(
            [*program, *arguments(case), "--json"],
            cwd=case,
            stdin=stdin,
            stdout=subprocess.PIPE,
            check=False,
        )
    assert run.returncode == int((case / "exit").read_text()), run.returncode
    report = json.loads(run.stdout)
    validator.validate(report)
    containers = [container for pod in report["pods"] for container in pod["containers"]]
    verdicts = [container["verdict"] for container in containers]
    assert report["summary"] == {word: verdicts.count(word) for word in report["summary"]}
    if "--json" in arguments(case):
        return
    for container in containers:
        if container["verdict"] == "refused":
            assert container["refusal"]["line"] in expected, container["refusal"]["line"]
        if container.get("plan_digest"):
            assert container["plan_digest"] in expected, container["plan_digest"]


check_cases(CASES, arguments, check, 20)
