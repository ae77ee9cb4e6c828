"""Lengths on one scale: bars of letters while there is room, else the words alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.cli.cells import cut, pad, right, width
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.say.blocks import Bars

#: The fewest cells in which lengths can be compared.
NARROWEST_BAR: Final = 10
_LONGEST: Final = 60
_INDENT: Final = 2
_GAP: Final = 2


def bar_lines(bars: Bars, cells: int) -> list[str]:
    """Return a line for each length; what is held against is drawn of ``=``, the others end in ``o``."""
    rows = [(sanitise(bar.label, _LONGEST), sanitise(bar.text, _LONGEST), bar) for bar in bars.bars]
    if not rows:
        return []
    text = min(max(width(told) for _, told, _ in rows), cells // 2)
    label = min(max(width(name) for name, _, _ in rows), cells - _INDENT - _GAP - text)
    room = cells - _INDENT - label - text - 2 * _GAP
    longest = max((bar.length for bar in bars.bars), default=0.0)
    lines = []
    for name, told, bar in rows:
        line = " " * _INDENT + pad(cut(name, label), label) + " " * _GAP
        if room >= NARROWEST_BAR:
            line += pad(_drawn(bar.length / longest if longest else 0.0, room, limit=bar.limit), room + _GAP)
        lines.append(line + right(cut(told, text), text))
    return lines


def bar_sentences(bars: Bars) -> list[str]:
    """Return a sentence for each length."""
    return [f"{sanitise(bar.label, _LONGEST)}: {sanitise(bar.text, _LONGEST)}" for bar in bars.bars]


def _drawn(share: float, room: int, *, limit: bool) -> str:
    cells = max(round(share * room), 1)
    return "=" * cells if limit else "-" * (cells - 1) + "o"
