"""Where tables and keys of a TOML file stand: ``tomllib`` gives values without their lines.

This is no second parser. It looks only at lines outside multi-line strings, after ``tomllib`` has accepted the file,
so a wrong guess here could at worst name a neighbouring line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_HEADER: Final = re.compile(r"\s*\[\[\s*([A-Za-z0-9_.-]+)\s*\]\]")
_OTHER_HEADER: Final = re.compile(r"\s*\[\s*[^\[]")
_KEY: Final = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:=|\.)""")
#: One string or comment at a time, multi-line delimiters first.
_TOKEN: Final = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Table:
    """One ``[[name]]``: its line, and the line of each of its keys."""

    line: int
    keys: dict[str, int] = field(default_factory=dict)


def tables(text: str, name: str) -> list[Table]:
    """Return where the tables ``[[name]]`` stand, in order."""
    found: list[Table] = []
    current: Table | None = None
    for number, line in _outer_lines(text):
        header = _HEADER.match(line)
        if header:
            current = Table(number) if header[1] == name else None
            if current is not None:
                found.append(current)
        elif _OTHER_HEADER.match(line):
            current = None
        elif current is not None and (key := _KEY.match(line)):
            current.keys.setdefault(next(part for part in key.groups() if part is not None), number)
    return found


def _outer_lines(text: str) -> list[tuple[int, str]]:
    """Return the lines that do not begin inside a multi-line string, with their numbers."""
    outer: list[tuple[int, str]] = []
    closing: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        position = 0
        if closing is None:
            outer.append((number, line))
        while True:
            if closing is not None:
                position = _end_of_string(line, closing, position)
                if position < 0:
                    break
                closing = None
            token = _TOKEN.search(line, position)
            if token is None:
                break
            position = token.end()
            closing = token[0] if token[0] in ('"""', "'''") else None
    return outer


def _end_of_string(line: str, closing: str, position: int) -> int:
    """Return where a multi-line string ends in ``line``, or -1."""
    while position < len(line):
        if closing == '"""' and line[position] == "\\":
            position += 2
        elif line.startswith(closing, position):
            position += 3
            # Up to two quotes may stand directly before the closing three (TOML 1.0, Strings).
            while line.startswith(closing[0], position):
                position += 1
            return position
        else:
            position += 1
    return -1
