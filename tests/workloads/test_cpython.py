# SPDX-License-Identifier: Apache-2.0
"""CPython's own tests of what the shim stands in front of give the same results with it."""
import concurrent.futures
import os
import re

import pytest

from room import policy

# One needs a hypervisor's sockets to itself and hangs where a virtual machine has them.
TESTS = ("--ignore", "ThreadedVSOCK*", "test_posix", "test_socket", "test_subprocess")
OUTCOME = re.compile(
    r"^(test\w+ \([\w.]+\))(?:\n[^\n]*)? \.\.\. (ok|skipped|FAIL|ERROR|expected failure)", re.MULTILINE)
# They write a program under a name of the moment and execute it: no list can have it.
UNLISTABLE = {f"{name} (test.test_subprocess.POSIXProcessTestCase.{name})"
              for name in ("test_args_string", "test_call_string")}


def everything(system):
    """Lists that deny nothing that is in the root."""
    programs = [path for directory in ("bin", "lib/python3.11")
                for path in (system / "usr" / directory).rglob("*")
                if path.is_file() and not path.is_symlink() and os.access(path, os.X_OK)]
    libraries = (system / "usr/lib/python3.11/lib-dynload").glob("*.so")
    inside = {"exec": programs, "dlopen": libraries}
    lists = {name: [f"/{path.relative_to(system)}" for path in paths]
             for name, paths in inside.items()}
    lists["connect"] = ["0.0.0.0/0:*", "[::/0]:*"]
    return lists


@pytest.fixture(scope="module")
def results(new_room, system):
    """{round: {test: outcome}}, the rounds side by side."""
    rounds = {"without": {}, "unset": policy(), "permissive": policy(everything(system))}

    def one(variables):
        with new_room() as room:
            run = room.run(["python3.11", "-m", "test", "-v", "--timeout", "120", *TESTS],
                           variables, timeout=400)
            assert not any("malformed" in line for line in run.shim), run.shim
            return dict(OUTCOME.findall(run.output.decode(errors="replace")))

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return dict(zip(rounds, pool.map(one, rounds.values())))


def different(one, other):
    return {test for test in one.keys() | other.keys() if one.get(test) != other.get(test)}


def test_the_tests_were_run(results):
    assert len(results["without"]) > 1100
    assert list(results["without"].values()).count("ok") > 900


def test_with_the_shim_and_no_list_the_results_are_the_same(results):
    assert different(results["without"], results["unset"]) == set()


def test_with_lists_of_everything_the_results_are_the_same(results):
    assert different(results["without"], results["permissive"]) == UNLISTABLE
    assert {results["permissive"][test] for test in UNLISTABLE} == {"ERROR"}
