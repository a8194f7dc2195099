# SPDX-License-Identifier: Apache-2.0
"""Every command of the tutorial runs, and prints what the tutorial says it prints.

UPDATE=1 writes what was printed into the tutorial instead."""
import os

import pytest

from vbnode import document
from vbnode.document import TOP

TUTORIAL = TOP / "docs/tutorial.md"
BLOCKS = document.blocks("docs/tutorial.md")


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_command_of_the_tutorial_prints_what_the_tutorial_says(number):
    commands, expected = BLOCKS[number]
    printed = document.run(commands).stdout
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
