#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tidy.py BUILD: clang-tidy on each source file that a build directory compiles, once.

Files that go into many programs are looked at once, and again only for definitions that they name.
Copies below BUILD (the profile engine with one error each) are not looked at.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile


def definitions(entry, text):
    """The macros of a compile command that occur in the file."""
    words = shlex.split(entry["command"])
    return tuple(sorted(word for word in words if word.startswith("-D")
                        and re.search(rf"\b{re.escape(word[2:].split('=')[0])}\b", text)))


def distinct(build):
    """The compile commands to look at; those of the largest files, which take longest, come first."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.suffix == ".c" and not path.is_relative_to(build):
            found.setdefault((path, definitions(entry, path.read_text())), entry)
    return sorted(found.values(), key=lambda entry: -os.stat(entry["file"]).st_size)


def look(number, entry, scratch):
    """Whether clang-tidy is content; otherwise its complaints are printed."""
    database = scratch / str(number)
    database.mkdir()
    (database / "compile_commands.json").write_text(json.dumps([entry]))
    run = subprocess.run(["clang-tidy", "--quiet", "-p", database, entry["file"]],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if run.returncode != 0:
        print(f"{entry['file']}:\n{run.stdout}{run.stderr}", flush=True)
    return run.returncode == 0


def main(build):
    entries = distinct(pathlib.Path(build).resolve())
    with (tempfile.TemporaryDirectory(prefix="vb-tidy-") as scratch,
          concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool):
        contents = list(pool.map(look, range(len(entries)), entries,
                                 [pathlib.Path(scratch)] * len(entries)))
    print(f"{contents.count(True)} of {len(entries)} passed")
    return 0 if entries and all(contents) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
