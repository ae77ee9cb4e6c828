"""Lays blocks out as lines: for a terminal of some width, or as plain sentences.

Everything passes :func:`circumvent.text.sanitise` here, once, whatever it passed before: what a server, a file or a
report says can't reach a terminal in any other way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.cli.bars import bar_lines, bar_sentences
from circumvent.cli.cells import cut, packed, pad, right, width, wrap
from circumvent.cli.grid import grid_lines, grid_sentences
from circumvent.say.blocks import Bars, Grid, Groups, Heading, Points, Sentence, Space, Steps, Table
from circumvent.say.language import _
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.say.blocks import Block, Group, Point, Section, Way

#: Below this width a row of the table takes two lines.
WIDE: Final = 84
#: Below this width the text of a group begins on a line of its own.
NARROW: Final = 50
#: Sixteen-colour codes by mark; "no answer" and "not tried" are not alarming and have none.
_COLOURS: Final = {"+": "32", "~": "33", "x": "31", "!": "35"}
_BOLD: Final = "1"
#: The longest text of one block, in characters.
_LONGEST: Final = 4000


@dataclass(frozen=True, slots=True)
class Style:
    """How to draw: ``width`` in cells (``None``: lines are not broken), in ``colour``, as plain sentences."""

    width: int | None = 80
    colour: bool = False
    plain: bool = False


def draw(blocks: Iterable[Block], style: Style) -> list[str]:
    """Return the lines of a screen."""
    drawing: _Drawing = _Plain(style) if style.plain else _Drawing(style)
    lines: list[str] = []
    for block in blocks:
        lines += drawing.lines(block)
    return lines


class _Drawing:
    """Draws for a terminal."""

    def __init__(self, style: Style) -> None:
        self._cells = style.width or 100_000
        self._colour = style.colour

    def lines(self, block: Block) -> list[str]:
        """Return the lines of one block."""
        match block:
            case Space():
                return [""]
            case Sentence():
                return self._sentence(block)
            case Heading(text=text):
                return [self._paint(line, _BOLD) for line in wrap(_clean(text), self._cells)]
            case Points(points=points):
                return self._points(points)
            case Steps(texts=texts):
                return self._steps(texts)
            case Groups(groups=groups):
                return self._groups(groups)
            case Table(sections=sections):
                return self._table(sections)
            case Grid():
                return [self._paint(line, code) for line, code in grid_lines(block, self._cells)]
            case Bars():
                return bar_lines(block, self._cells)

    def _sentence(self, block: Sentence) -> list[str]:
        indent = " " * (len(block.text) - len(block.text.lstrip(" ")))
        told = wrap(_clean(block.text), self._cells, first=indent, rest=indent)
        return [self._paint(line, _BOLD) for line in told] if block.strong else told

    def _points(self, points: Sequence[Point]) -> list[str]:
        leads = [cut(_clean(point.lead), self._cells // 2) for point in points]
        column = max(map(width, leads)) + 4
        lines: list[str] = []
        for lead, point in zip(leads, points, strict=True):
            first = pad("  " + lead, column)
            lines += wrap(_clean(point.text), self._cells, first=first, rest=" " * column)
        return lines

    def _steps(self, texts: Sequence[str]) -> list[str]:
        if len(texts) == 1:
            return wrap(_clean(texts[0]), self._cells, first="  ", rest="  ")
        lines: list[str] = []
        for number, text in enumerate(texts, 1):
            lead = f"  {number}. "
            lines += wrap(_clean(text), self._cells, first=lead, rest=" " * len(lead))
        return lines

    def _groups(self, groups: Sequence[Group]) -> list[str]:
        words = max(width(group.word) for group in groups) + 2
        counts = max(len(str(group.count)) for group in groups)
        narrow = self._cells < NARROW
        lines: list[str] = []
        for group in groups:
            spaces = " " * (words - width(group.word))
            plain = f"   {group.mark}  {group.word}{spaces}{group.count:>{counts}}  "
            lead = f"   {self._sign(group.mark)}  {self._sign(group.mark, group.word)}{spaces}{group.count:>{counts}}  "
            rest = " " * (6 if narrow else width(plain))
            told = wrap(_clean(group.text), self._cells, first=rest, rest=rest)
            lines += [lead.rstrip(), *told] if narrow else [lead + told[0][len(plain) :], *told[1:]]
        return lines

    def _table(self, sections: Sequence[Section]) -> list[str]:
        if self._cells < WIDE:
            return self._stacked(sections)
        columns = _columns([way for section in sections for way in section.ways], self._cells)
        lines = [_header(columns)]
        for section in sections:
            lines += wrap(_clean(section.heading), self._cells, first="  ", rest="  ")
            lines += [self._row(way, columns) for way in section.ways]
            lines += self._more(section)
        return lines

    def _stacked(self, sections: Sequence[Section]) -> list[str]:
        lines: list[str] = []
        for section in sections:
            lines += wrap(_clean(section.heading), self._cells, first="  ", rest="  ")
            for way in section.ways:
                lines += self._in_two_lines(way)
            lines += self._more(section)
        return lines

    def _row(self, way: Way, columns: _Columns) -> str:
        name, kind, word = columns
        line = f"{way.rank:>4}  {self._sign(way.mark)}  {pad(cut(_clean(way.name), name - 2), name)}"
        line += pad(_clean(way.kind), kind) + self._sign(way.mark, way.word) + " " * (word - width(way.word))
        line += right(way.tries, 8) + right(way.first_data, 11) + right(way.speed, 13)
        return line.rstrip()

    def _in_two_lines(self, way: Way) -> list[str]:
        facts = [_clean(way.kind), way.tries, way.first_data, way.speed]
        first = f"{way.rank:>4}  {self._sign(way.mark)}  "
        room = self._cells - 9 - width(way.word) - 2
        name = _clean(way.name)
        if room >= min(width(name), 12):
            column = min(26, room)
            first += pad(cut(name, column), column) + "  " + self._sign(way.mark, way.word)
            return [first, *packed([fact for fact in facts if fact], self._cells, " " * 9)]
        below = packed([way.word, *(fact for fact in facts if fact)], self._cells, " " * 9)
        below[0] = below[0].replace(way.word, self._sign(way.mark, way.word), 1)
        return [first + cut(name, self._cells - 9), *below]

    def _more(self, section: Section) -> list[str]:
        return wrap(_clean(section.more), self._cells, first=" " * 9, rest=" " * 9) if section.more else []

    def _sign(self, mark: str, text: str | None = None) -> str:
        """Return a mark, or ``text`` that belongs to it, in the mark's colour."""
        code = _COLOURS.get(mark)
        told = mark if text is None else text
        return told if code is None else self._paint(told, code)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and text and code else text


class _Plain(_Drawing):
    """Draws sentences: nothing is aligned, nothing is a picture. For screen readers and files."""

    def lines(self, block: Block) -> list[str]:
        """Return the lines of one block."""
        match block:
            case Points(points=points):
                told = [f"{_clean(one.lead)}: {_clean(one.text)}" for one in points]
            case Groups(groups=groups):
                told = [f"{one.word}, {one.count}: {_clean(one.text)}" for one in groups]
            case Table(sections=sections):
                told = [line for section in sections for line in _sentences(section)]
            case Grid():
                told = grid_sentences(block)
            case Bars():
                told = bar_sentences(block)
            case Steps(texts=texts):
                numbers = len(texts) > 1
                told = [f"{number}. " * numbers + _clean(text) for number, text in enumerate(texts, 1)]
            case Space():
                return [""]
            case Sentence(text=text) | Heading(text=text):
                told = [_clean(text)]
        return [piece for line in told for piece in wrap(line, self._cells)]


def _sentences(section: Section) -> list[str]:
    told = [_clean(section.heading)]
    for way in section.ways:
        facts = [way.word, _("{count} tries").format(count=way.tries)]
        if way.first_data:
            facts.append(_("first data {time}").format(time=way.first_data))
        if way.speed:
            facts.append(way.speed)
        told.append(f"{way.rank}. {_clean(way.name)} ({_clean(way.kind)}): {', '.join(facts)}")
    return [*told, _clean(section.more)] if section.more else told


_Columns = tuple[int, int, int]


def _columns(ways: Sequence[Way], cells: int) -> _Columns:
    """Return the widths of name, kind and word: what they need, the name cut first."""
    kind = max([*(width(way.kind) for way in ways), len(_("kind"))]) + 2
    word = max([*(width(way.word) for way in ways), len(_("result"))]) + 2
    name = max([*(width(way.name) for way in ways), len(_("option"))]) + 2
    return max(min(name, cells - 9 - kind - word - 32), 8), kind, word


def _header(columns: _Columns) -> str:
    name, kind, word = columns
    line = " " * 9 + pad(_("option"), name) + pad(_("kind"), kind) + pad(_("result"), word)
    return line + right(_("tries"), 8) + right(_("first data"), 11) + right(_("speed"), 13)


def _clean(text: str) -> str:
    return sanitise(text.strip(" "), _LONGEST)
