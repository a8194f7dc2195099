# SPDX-License-Identifier: Apache-2.0
"""Which layers a container has in each column of the ablation, and the matrix as text and picture.

The rows are the attacks and what must work. A cell is the errno, or "open": it ended as it does
without any layer.
"""
import dataclasses
from xml.sax.saxutils import escape

from . import document
from .layers import ALL, LAYERS
from .vectors import ATTACKS, CONTROLS

ROWS = (*ATTACKS, *CONTROLS)
# Without a tmpfs its place is read-only, which stops what the tmpfs would; that it carries a weight
# of its own is seen where the root is writable.
BESIDE = {"tmpfs": {"read_only_rootfs"}}


@dataclasses.dataclass(frozen=True)
class Column:
    """One container: its bundle, what it is called, and the parts of layers that it has."""
    bundle: str
    heading: str
    parts: frozenset


SHORT = {"seccomp": "seccomp", "capabilities": "caps", "read_only_rootfs": "ro root",
         "tmpfs": "tmpfs", "no_new_privileges": "nnp", "rlimits": "rlimits", "preload": "preload"}
# Smaller and larger pieces than a layer.
PIECES = {"exec": {"exec"}, "connect": {"connect"}, "dlopen": {"dlopen"}, "noexec": {"noexec"},
          "ro+tmpfs": LAYERS["read_only_rootfs"] | LAYERS["tmpfs"],
          "ro+exec": LAYERS["read_only_rootfs"] | {"exec"},
          # The starter, and the layers that bring its closure.
          "closure": ALL - LAYERS["rlimits"] - LAYERS["preload"]}


def _column(kind, heading, parts):
    name = heading.replace(" ", "-").replace("+", "-")
    return Column(f"{kind}-{name}", heading, frozenset(parts))


WHOLE = Column("whole", "all", ALL)
NOTHING = Column("nothing", "none", frozenset())
WITHOUT = {**{layer: _column("no", SHORT[layer], ALL - parts) for layer, parts in LAYERS.items()},
           **{piece: _column("no", piece, ALL - parts) for piece, parts in PIECES.items()}}
ALONE = {layer: _column("only", SHORT[layer], parts) for layer, parts in LAYERS.items()}
COLUMNS = (WHOLE, *WITHOUT.values(), NOTHING, *ALONE.values())


def cell(vector, result, unlayered):
    """What a cell says of a result."""
    return "open" if result == unlayered[vector.word] else result


def expected(unlayered):
    """{bundle: {word: cell}} as the data of the attacks has it."""
    return {column.bundle: {row.word: cell(row, row.result(column.parts, unlayered), unlayered)
                            for row in ROWS} for column in COLUMNS}


# As text

def _text(first, others, cells):
    rows = []
    for row in ROWS:
        base = cells[first.bundle][row.word]
        changes = (cells[column.bundle][row.word] for column in others)
        rows.append((row.title, base, *("." if change == base else change for change in changes)))
    return document.text_table(("", first.heading, *(column.heading for column in others)), rows)


def text(cells):
    """Both halves: layers taken away from all, and each layer alone. A dot is no change."""
    return ("Taken away from all layers:\n\n" + _text(WHOLE, WITHOUT.values(), cells) +
            "\nNothing but one layer:\n\n" + _text(NOTHING, ALONE.values(), cells))


# As a picture

_CELL, _ROW, _LEFT, _TOP, _GAP = 26, 19, 330, 96, 34
_APART = 8  # between layers and their pieces, and between attacks and what must work
_STYLE = """text{font:12px system-ui,sans-serif;fill:#1b1f24}
.head{font-weight:600}.note{fill:#57606a}
.stopped{fill:#1f6f78}.open{fill:#e8703a}.works{fill:#d5dde3}.broken{fill:#e3b341}
"""
_KINDS = (("stopped", "an attack is stopped"), ("open", "an attack succeeds"),
          ("works", "what must work does"), ("broken", "what must work does not"))


def _kind(row, shown):
    if row in CONTROLS:
        return "works" if shown == "open" else "broken"
    return "open" if shown == "open" else "stopped"


def _y(j):
    return _TOP + j * _ROW + (_APART if ROWS[j] in CONTROLS else 0)


def _panel(left, title, columns, cells):
    """One half: its heading, its columns' names, its cells."""
    yield f'<text class="head" x="{left}" y="20">{escape(title)}</text>'
    for i, column in enumerate(columns):
        x = left + i * _CELL + (_APART if i > len(LAYERS) else 0)
        yield (f'<text transform="translate({x + 17},{_TOP - 8}) rotate(-50)">'
               f'{escape(column.heading)}</text>')
        for j, row in enumerate(ROWS):
            shown = cells[column.bundle][row.word]
            yield (f'<rect class="{_kind(row, shown)}" x="{x}" y="{_y(j)}" width="{_CELL - 2}" '
                   f'height="{_ROW - 2}"><title>'
                   f'{escape(f"{row.title}, {column.heading}: {shown}")}</title></rect>')


def _labels():
    for j, row in enumerate(ROWS):
        yield (f'<text x="{_LEFT - 10}" y="{_y(j) + 13}" text-anchor="end">'
               f'{escape(row.title)}</text>')


def _legend(y):
    for i, (kind, meaning) in enumerate(_KINDS):
        x = 160 + i * 205
        yield f'<rect class="{kind}" x="{x}" y="{y}" width="14" height="14"/>'
        yield f'<text class="note" x="{x + 20}" y="{y + 12}">{meaning}</text>'


def picture(cells):
    """The matrix as SVG, the same bytes for the same cells."""
    without, alone = (WHOLE, *WITHOUT.values()), (NOTHING, *ALONE.values())
    second = _LEFT + len(without) * _CELL + _APART + _GAP
    width = second + len(alone) * _CELL + 40
    bottom = _TOP + len(ROWS) * _ROW + 24
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {bottom + 30}" '
             f'width="{width}" height="{bottom + 30}" role="img" '
             'aria-label="Which attacks succeed when a layer is taken away">',
             f"<style>{_STYLE}</style>",
             f'<rect width="{width}" height="{bottom + 30}" fill="#ffffff"/>', *_labels(),
             *_panel(_LEFT, "All layers without ...", without, cells),
             *_panel(second, "Nothing but ...", alone, cells), *_legend(bottom), "</svg>"]
    return "\n".join(parts) + "\n"
