"""Rows of cells in columns: laid out while there is room, else a few lines for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.cli.cells import pad, width, wrap
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.say.blocks import Grid

#: The fewest cells in which a label can still be told from its like.
NARROWEST_LABEL: Final = 16
_GAP: Final = 2
_LONGEST: Final = 200
_WRONG: Final = "31"


def grid_lines(grid: Grid, cells: int) -> list[tuple[str, str]]:
    """Return lines, each with the code of its colour (empty: none)."""
    rows = [_cleaned(row) for row in (grid.header, *grid.rows)]
    codes = ["", *(_WRONG if number in grid.wrong else "" for number in range(len(grid.rows)))]
    widths = [max(width(row[column]) for row in rows) for column in range(len(grid.header))]
    label = cells - sum(one + _GAP for one in widths[1:])
    if label < min(widths[0], NARROWEST_LABEL):
        return _stacked(grid, cells)
    widths[0] = min(widths[0], label)
    gap = " " * _GAP
    lines = []
    for row, code in zip(rows, codes, strict=True):
        short = (cut_middle(row[0], widths[0]), *row[1:])
        line = gap.join(pad(cell, one) for cell, one in zip(short, widths, strict=True))
        lines.append((line.rstrip(), code))
    return lines


def grid_sentences(grid: Grid) -> list[str]:
    """Return a sentence for each row: ``label: truth works, verdict works, right``."""
    names = _cleaned(grid.header)[1:]
    told = []
    for row in grid.rows:
        label, *cells = _cleaned(row)
        facts = [f"{name} {cell}".strip() for name, cell in zip(names, cells, strict=True)]
        told.append(f"{label}: {', '.join(facts)}")
    return told


def cut_middle(text: str, cells: int) -> str:
    """Return ``text`` in at most ``cells``, with its middle left out: both ends tell labels apart.

    >>> cut_middle("odoh target.anvil.example", 15)
    'odoh t...xample'
    """
    if width(text) <= cells:
        return text
    room = max(cells - 3, 0)
    head, tail = room - room // 2, room // 2
    while width(text[:head]) > room - room // 2:
        head -= 1
    while tail and width(text[-tail:]) > room // 2:
        tail -= 1
    return text[:head] + "..." + (text[-tail:] if tail else "")


def _stacked(grid: Grid, cells: int) -> list[tuple[str, str]]:
    lines = []
    names = _cleaned(grid.header)[1:]
    for number, row in enumerate(grid.rows):
        code = _WRONG if number in grid.wrong else ""
        label, *rest = _cleaned(row)
        lines += [(line, code) for line in wrap(label, cells)]
        for name, cell in zip(names, rest, strict=True):
            told = f"{name}: {cell}" if name else cell
            lines += [(line, code) for line in wrap(told, cells, first="  ", rest="    ")]
    return lines


def _cleaned(row: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sanitise(cell, _LONGEST) for cell in row)
