# SPDX-License-Identifier: Apache-2.0
"""The workflow for GitHub Actions, as far as one can look at it without a runner, and the scripts that
it and the documents name."""
import os
import pathlib
import re
import shlex
import subprocess

import pytest
import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
WORKFLOW = TOP / ".github/workflows/ci.yml"
JOBS = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
STEPS = [(name, step) for name, job in JOBS.items() for step in job["steps"]]
COMMANDS = [(name, step["run"]) for name, step in STEPS if "run" in step]
# Programs of the container's or runner's own.
SYSTEM = {"apt-get", "chmod", "git"}
JOB_KEYS = {"runs-on", "timeout-minutes", "container", "needs", "steps"}
STEP_KEYS = {"run", "uses", "with", "if"}
SCRIPTS = sorted(path for path in subprocess.run(
    ["git", "-C", TOP, "ls-files"], stdout=subprocess.PIPE, text=True, check=True).stdout.split("\n")
    if path and (TOP / path).is_file() and os.access(TOP / path, os.X_OK)
    and re.match(rb"#!.*sh\b", (TOP / path).read_bytes()[:64]))


def test_every_job_and_step_has_what_a_runner_wants():
    for job in JOBS.values():
        assert set(job) <= JOB_KEYS and {"runs-on", "steps", "timeout-minutes"} <= set(job)
        assert job.get("needs") in (None, *JOBS)
    for _, step in STEPS:
        assert set(step) <= STEP_KEYS and ("run" in step) != ("uses" in step), step
        if "uses" in step:
            assert re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_the_workflow_names_no_host():
    assert not re.search(r"://|\b[\w-]+\.(io|com|org|dev|net)\b", WORKFLOW.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("job", "command"), COMMANDS)
def test_a_command_of_the_workflow_can_be_run(job, command):
    subprocess.run(["bash", "-n", "-c", command], check=True)
    for part in re.split(r"&&|\n", command):
        program, *arguments = shlex.split(part)
        assert program in SYSTEM or os.access(TOP / program, os.X_OK), (job, part)
        if program == "tests/run":
            text = (TOP / program).read_text(encoding="utf-8")
            assert all(f"\nstep_{step}() " in text for step in arguments)


def test_all_tests_run_and_the_images_of_one_job_are_what_the_next_loads():
    assert ("tests", ".ci/run") in COMMANDS
    made, = (command for job, command in COMMANDS if job == "images")
    loaded = next(command for job, command in COMMANDS if command.startswith("deploy/kind/up"))
    script = (TOP / "deploy/kind/images").read_text(encoding="utf-8")
    directory = made.split()[1]
    for path in loaded.split()[1:]:
        assert path.startswith(f"{directory}/") and f'"$directory{path[len(directory):]}"' in script
    artifacts = [step["with"] for _, step in STEPS if step.get("with", {}).get("name") == "images"]
    assert {entry["path"] for entry in artifacts} == {directory} and len(artifacts) == 2


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_has_no_complaints(script):
    subprocess.run(["shellcheck", "--severity=warning", script], cwd=TOP, check=True)
