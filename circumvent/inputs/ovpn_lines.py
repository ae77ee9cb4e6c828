"""The lines of an OpenVPN profile: directives with their words, and inline blocks (manual, *INLINE FILE SUPPORT*).

Only the shape is read here; :mod:`circumvent.inputs.ovpn` knows what directives mean. Sizes are bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.inputs.problem import LineError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longest line in characters and longest inline block; most lines and most words of a line.
LONGEST_LINE: Final = 16 * 1024
LONGEST_BLOCK: Final = 512 * 1024
MOST_LINES: Final = 100_000
MOST_WORDS: Final = 64

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
#: What a backslash takes its meaning from; before anything else it stands for itself.
_ESCAPED: Final = frozenset("\"\\ '")
_OPENS: Final = re.compile(r"<([A-Za-z][A-Za-z0-9-]{0,40})>\s*")


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive: its name in small letters, its words, or what stands in its block; never printed."""

    line: int
    name: str
    words: tuple[str, ...] = field(default=(), repr=False)
    block: str | None = field(default=None, repr=False)

    def word(self, place: int = 0) -> str | None:
        """Return a word, ``None`` when there are fewer."""
        return self.words[place] if place < len(self.words) else None


def directives(text: str, *, first: int = 1) -> Iterator[Directive]:
    """Yield the directives of a profile in their order; ``first`` is the number of its first line.

    :raises LineError: when a line or block is too long, a quote is never closed, or a block never ends.
    """
    lines = iter(enumerate(_LINE_END.split(text), start=first))
    for number, raw in lines:
        if number - first >= MOST_LINES:
            raise LineError("this profile has too many lines.", where=number)
        line = raw.strip()
        opened = _OPENS.fullmatch(line)
        if opened is not None:
            yield Directive(number, opened[1].lower(), block=_block(opened[1], number, lines))
            continue
        if len(line) > LONGEST_LINE:
            raise LineError("a line of this profile is too long.", where=number)
        words = split_words(line, number)
        if words:
            yield Directive(number, words[0].removeprefix("--").lower(), tuple(words[1:]))


def _block(tag: str, start: int, lines: Iterator[tuple[int, str]]) -> str:
    """Return what stands between the tags."""
    held: list[str] = []
    size = 0
    for _, raw in lines:
        if raw.strip().lower() == f"</{tag.lower()}>":
            return "\n".join(held)
        held.append(raw)
        size += len(raw) + 1
        if size > LONGEST_BLOCK:
            raise LineError("a block of this profile is too long.", where=start)
    raise LineError("a block of this profile never ends. The file may have been cut.", where=start)


def split_words(line: str, number: int) -> list[str]:
    """Return the words of a line: quotes, backslashes and comments as in OpenVPN's ``parse_line``.

    :raises LineError: when a quote is never closed, or there are too many words.
    """
    words: list[str] = []
    place = _skip_space(line, 0)
    while place < len(line) and line[place] not in "#;":
        word, place = _word(line, place, number)
        words.append(word)
        if len(words) > MOST_WORDS:
            raise LineError("this line has too many words.", where=number)
        place = _skip_space(line, place)
    return words


def _skip_space(line: str, place: int) -> int:
    while place < len(line) and line[place].isspace():
        place += 1
    return place


def _word(line: str, place: int, number: int) -> tuple[str, int]:
    """Return the word that begins at ``place``, and where it ends."""
    made: list[str] = []
    quote = ""
    while place < len(line) and (quote or not line[place].isspace()):
        character = line[place]
        place += 1
        if character == "\\" and quote != "'" and line[place : place + 1] in _ESCAPED:
            made.append(line[place])
            place += 1
        elif character == quote:
            quote = ""
        elif character in "\"'" and not quote:
            quote = character
        else:
            made.append(character)
    if quote:
        raise LineError("a quote in this line is never closed.", where=number)
    return "".join(made), place
