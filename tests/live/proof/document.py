# SPDX-License-Identifier: Apache-2.0
"""Tables for the terminal and for the docs, and the sections of docs/threat-model.md that the tests
write. A section that is not what the tests found fails them; with UPDATE=1 in the environment it is
written instead; read the diff then. The docs are those of x86-64: other machines have other calls.
"""
import os
import pathlib
import platform

DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"
_HINT = "is stale: run it again with UPDATE=1 and read the diff"


def text_table(heading, rows):
    """Columns of text, the last one not padded."""
    widths = [max(len(row[i]) for row in (heading, *rows)) for i in range(len(heading))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
                     for row in (heading, *rows)) + "\n"


def markdown_table(heading, rows):
    """The same as Markdown."""
    lines = [heading, ["---"] * len(heading), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def check_section(name, text):
    """Holds the section between its two markers against the text."""
    if platform.machine() != "x86_64":
        return
    path = DOCS / "threat-model.md"
    begin, end = f"<!-- generated: {name} -->\n", f"<!-- end of {name} -->\n"
    document = path.read_text()
    head, middle = document.split(begin)
    old, tail = middle.split(end)
    if os.environ.get("UPDATE") == "1":
        path.write_text(f"{head}{begin}{text}{end}{tail}")
    else:
        assert old == text, f"docs/threat-model.md, {name}, {_HINT}"


def check_file(name, text):
    """Holds a file of docs/ against the text."""
    if platform.machine() != "x86_64":
        return
    path = DOCS / name
    if os.environ.get("UPDATE") == "1":
        path.write_text(text)
    else:
        assert path.exists() and path.read_text() == text, f"docs/{name} {_HINT}"
