"""Text in terminal cells: how wide it is, where lines break."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def width(text: str) -> int:
    """Return the cells that ``text`` takes: two for wide East Asian characters, none for combining ones.

    >>> width("Ωmega"), width("日本"), width("e\u0301")
    (5, 4, 1)
    """
    return len(text) if text.isascii() else sum(_cell(one) for one in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def pad(text: str, cells: int) -> str:
    """Return ``text`` with spaces up to ``cells``."""
    return text + " " * (cells - width(text))


def right(text: str, cells: int) -> str:
    """Return ``text`` with spaces before it up to ``cells``."""
    return " " * (cells - width(text)) + text


def cut(text: str, cells: int) -> str:
    """Return ``text`` in at most ``cells``, with an ellipsis where something is left out."""
    if width(text) <= cells:
        return text
    kept = ""
    for character in text:
        if width(kept) + _cell(character) > cells - 1:
            break
        kept += character
    return kept.rstrip() + "…" if cells > 0 else ""


def wrap(text: str, cells: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break ``text`` at spaces into lines of at most ``cells``; ``first`` and ``rest`` begin the lines.

    A word longer than a line is broken where the line ends.
    """
    lines: list[str] = []
    line, empty = first, True
    for word in text.split():
        piece = word
        room = cells - width(line) - (0 if empty else 1)
        if width(piece) <= room:
            line += piece if empty else " " + piece
            empty = False
            continue
        if not empty:
            lines.append(line)
            line = rest
        while width(piece) > cells - width(line):
            head = _head(piece, max(cells - width(line), 1))
            lines.append(line + head)
            piece, line = piece[len(head) :], rest
        line, empty = line + piece, not piece
    if not empty or not lines:
        lines.append(line.rstrip() if empty else line)
    return lines


def packed(pieces: Sequence[str], cells: int, indent: str, between: str = "  ") -> list[str]:
    """Return lines of pieces, as many on a line as fit, each line begun by ``indent``. No piece is broken."""
    lines = [indent]
    for piece in pieces:
        gap = "" if lines[-1] == indent else between
        if gap and width(lines[-1]) + width(gap) + width(piece) > cells:
            lines.append(indent)
            gap = ""
        lines[-1] += gap + piece
    return lines


def _head(word: str, cells: int) -> str:
    taken = ""
    for character in word:
        if taken and width(taken) + _cell(character) > cells:
            break
        taken += character
    return taken
