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
    word: str | None = None
    quote = ""
    characters = iter(line)
    for character in characters:
        if character == "\\" and quote != "'":
            following = next(characters, "")
            word = (word or "") + (following if following in ('"', "\\", " ", "'") else "\\" + following)
        elif quote:
            if character == quote:
                quote = ""
            else:
                word = (word or "") + character
        elif character in "\"'":
            quote, word = character, word or ""
        elif character.isspace():
            if word is not None:
                words.append(word)
            word = None
        elif word is None and character in "#;":
            break
        else:
            word = (word or "") + character
    if quote:
        raise LineError("a quote in this line is never closed.", where=number)
    if word is not None:
        words.append(word)
    if len(words) > MOST_WORDS:
        raise LineError("this line has too many words.", where=number)
    return words
