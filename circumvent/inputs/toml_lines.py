"""TOML read with bounds, and where its tables and keys stand: ``tomllib`` gives values without their lines.

Finding lines is no second parser. It looks only at lines outside multi-line strings, after ``tomllib`` has accepted the file,
so a wrong guess here could at worst name a neighbouring line.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, Final

_HEADER: Final = re.compile(r"\s*\[\[\s*([A-Za-z0-9_.-]+)\s*\]\]")
_OTHER_HEADER: Final = re.compile(r"\s*\[\s*[^\[]")
_KEY: Final = re.compile(r"""\s*(?:"([^"\\]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*(?:=|\.)""")
#: One string or comment at a time, multi-line delimiters first.
_TOKEN: Final = re.compile(r'"""|\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL)


#: Dots of a line: a dotted key takes ``tomllib`` the square of its parts, and no field here has any.
_MOST_DOTS: Final = 200


class TomlError(ValueError):
    """The file as a whole is no TOML; ``line`` is where, if that is known."""

    def __init__(self, sentence: str, line: int | None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line


def load(text: str) -> dict[str, Any]:
    """Return the document, at a cost that grows no faster than its size.

    :raises TomlError: when it is no TOML, or one that is made to be slow.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS:
            raise TomlError("there are too many dots in this line.", number)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        found = re.search(r"\(at line (\d+), column \d+\)", str(exc))
        raise TomlError(
            "this is not TOML from here on: a quote, bracket or equals sign is missing or too many.",
            int(found[1]) if found else text.count("\n") + 1,
        ) from exc
    except RecursionError as exc:
        raise TomlError("this file is nested too deep.", None) from exc
    except ValueError as exc:  # a number of more than 4,300 digits
        raise TomlError("there is a number in this file that no field can have.", None) from exc


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
