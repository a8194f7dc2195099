# SPDX-License-Identifier: Apache-2.0
"""Every command of the tutorial runs, and prints what the tutorial says it prints.

UPDATE=1 writes what was printed into the tutorial instead."""
import os
import pathlib
import re
import subprocess

import pytest

from vbnode.system import build_directory

TOP = pathlib.Path(__file__).resolve().parents[2]
TUTORIAL = TOP / "docs/tutorial.md"
# A block of commands, and right behind it what it prints, if that is shown.
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.M | re.S)
BLOCKS = list(BLOCK.finditer(TUTORIAL.read_text(encoding="utf-8")))


def printed_by(commands):
    """Both streams of the commands in the order in which a terminal would show them."""
    path = f"{build_directory()}/plugin/cli:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "VAMBRACE_BUILD": str(build_directory())}
    result = subprocess.run(["bash", "-c", commands], cwd=TOP, env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                            timeout=120)
    return result.stdout


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_command_of_the_tutorial_prints_what_the_tutorial_says(number):
    commands, expected = BLOCKS[number].groups()
    printed = printed_by(commands)
    if expected is None:
        assert printed == ""
        return
    if os.environ.get("UPDATE"):
        text = TUTORIAL.read_text(encoding="utf-8")
        TUTORIAL.write_text(text.replace(f"{commands}```\n```text\n{expected}```\n",
                                         f"{commands}```\n```text\n{printed}```\n"), encoding="utf-8")
    else:
        assert printed == expected


def test_every_pod_of_the_tutorial_is_used():
    text = TUTORIAL.read_text(encoding="utf-8")
    for path in (TOP / "docs/tutorial").rglob("*.*"):
        assert str(path.relative_to(TOP / "docs")) in text, path
