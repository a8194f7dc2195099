# SPDX-License-Identifier: Apache-2.0
"""Blocks of commands in a document, run as its reader would, and what they print."""
import os
import pathlib
import re
import subprocess

from .system import build_directory

TOP = pathlib.Path(__file__).resolve().parents[3]
# A block of commands, and right behind it what it prints, if that is shown.
_BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.M | re.S)


def blocks(path):
    """[(commands, what they print or None)] of a document of this tree."""
    return _BLOCK.findall((TOP / path).read_text(encoding="utf-8"))


def commands(path):
    """The lines of all blocks, without what a comment says about them."""
    return [re.sub(r"\s+# .*", "", line) for lines, _ in blocks(path)
            for line in lines.splitlines() if line and not line.startswith("#")]


def run(lines, directory=TOP, timeout_s=120, **environment):
    """Runs commands with the programs of the build in PATH. A CompletedProcess with both streams in
    the order in which a terminal would show them."""
    path = f"{build_directory()}/plugin/cli:{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", lines], cwd=directory, text=True, check=False, timeout=timeout_s,
        env={**os.environ, "PATH": path, "VAMBRACE_BUILD": str(build_directory()), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
