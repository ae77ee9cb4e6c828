"""What is wrong with an input, said in one sentence that never repeats the input: links are secrets.

A sentence names the fault and the remedy; the place (file and line) is put before it by ``str(problem)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from circumvent.model.option import Option

#: A message shares no run of this many characters with the line that it complains about.
LONGEST_ECHO: Final = 8
#: Said when every better sentence would repeat a piece of the line.
UNUSABLE: Final = "this line cannot be used. Copy the whole link again."

_FILE_NAME: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")


class LineError(ValueError):
    """A link or a table can't be used. The message is a sentence; ``label`` is the option's own name.

    ``where`` is the line at fault when it is not the first line of what was read.
    """

    def __init__(self, sentence: str, *, label: str | None = None, where: int | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.label = label
        self.where = where


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an input that can't be used: where it stands, what is wrong, what to do.

    ``source`` is a file name as given, ``argument`` or ``stdin``; ``line`` counts from 1 (for arguments: the
    position among them); ``option_label`` is the name of the option that is left out, if it has one.
    """

    source: str
    line: int | None
    sentence: str
    option_label: str | None = None

    def __str__(self) -> str:
        place = shown_name(self.source)
        if self.line is not None:
            place = f"{place} {self.line}" if self.source == "argument" else f"{place}:{self.line}"
        return f"{place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines (or tables) of a source were looked at, and how many can't be used."""

    source: str
    lines: int
    unusable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What was read: options ready to be tried, what could not be used, and how much of each source that is."""

    options: tuple[Option, ...] = ()
    problems: tuple[Problem, ...] = ()
    counts: tuple[Count, ...] = field(default=())

    def sentences(self) -> list[str]:
        """Return what to tell the user, in the order in which it reads best.

        With nothing usable the verdict on each source comes first; else the problems, then what goes on.
        """
        told = [str(problem) for problem in self.problems]
        if not self.problems:
            return []
        if not self.options:
            return [_nothing_usable(count) for count in self.counts if count.unusable > 1] + told
        lines = sum(count.lines for count in self.counts)
        unusable = sum(count.unusable for count in self.counts)
        if unusable and lines > 1:
            told.append(f"{unusable} of {lines} lines cannot be used; checking the other {lines - unusable}.")
        return told


def _nothing_usable(count: Count) -> str:
    return (
        f"{shown_name(count.source)}: none of its {count.unusable} lines can be used, so nothing was checked."
    )


def shown_name(source: str) -> str:
    """Return a source's name without characters that could play tricks on a terminal."""
    return "".join(_FILE_NAME.findall(source))[:200]


def repeats(sentence: str, line: str, *, label: str | None = None) -> bool:
    """Tell whether ``sentence`` shares a run of :data:`LONGEST_ECHO` characters with ``line``.

    The option's own ``label`` does not count: the user needs it to know which one is meant.
    """
    if label:
        sentence = sentence.replace(f'"{label}"', "\0")
    runs = range(len(sentence) - LONGEST_ECHO + 1)
    return any(sentence[start : start + LONGEST_ECHO] in line for start in runs)


def without_echo(line: str, *sentences: str, label: str | None = None) -> str:
    """Return the first of ``sentences`` that repeats nothing of ``line``, else :data:`UNUSABLE`."""
    return next((text for text in sentences if not repeats(text, line, label=label)), UNUSABLE)
