"""Values of options as people write them: seconds, sizes, lists of words."""

from __future__ import annotations

import math
import re
from typing import Final

from circumvent.text import sanitise

_UNITS: Final = {"": 1, "k": 1000, "m": 1_000_000, "g": 1_000_000_000}
_SIZE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)\s*([kmg]?)i?b?", re.IGNORECASE)


class ValueProblem(ValueError):
    """A value can't be used. The message is a sentence: which option, what is wrong, an example."""


def seconds(option: str, text: str) -> float:
    """Read a number of seconds.

    :raises ValueProblem: when it is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueProblem(f"{option}: {_quoted(text)} is not a number of seconds. Example: {option} 20")
    return value


def count(option: str, text: str) -> int:
    """Read a whole number.

    :raises ValueProblem: when it is none.
    """
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise ValueProblem(f"{option}: {_quoted(text)} is not a whole number. Example: {option} 3")
    return int(text)


def size(option: str, text: str) -> int:
    """Read a size in decimal units.

    >>> size("--max-bytes", "20MB"), size("--max-bytes", "500kB"), size("--max-bytes", "1.5m")
    (20000000, 500000, 1500000)

    :raises ValueProblem: when it is none.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueProblem(f"{option}: {_quoted(text)} is not a size. Example: {option} 20MB")
    return round(float(found[1]) * _UNITS[found[2].lower()])


def words(texts: list[str]) -> tuple[str, ...]:
    """Read comma-separated words, given once or several times."""
    return tuple(word.strip() for text in texts for word in text.split(",") if word.strip())


def choice(option: str, text: str, choices: tuple[str, ...]) -> str:
    """Read one of some words.

    :raises ValueProblem: when it is none of them.
    """
    if text not in choices:
        raise ValueProblem(
            f"{option}: {_quoted(text)} is none of {', '.join(choices)}. Example: {option} {choices[0]}"
        )
    return text


def _quoted(text: str) -> str:
    return f'"{sanitise(text, 30)}"'
