"""Did you mean ...? For mistyped words and file names."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How alike two words must be, 0 to 1, before one is offered for the other.
_ALIKE: Final = 0.7
#: Longest word that is compared, and how many names of a folder are looked at.
_LONGEST: Final = 64
_MOST_NAMES: Final = 5000


def suggest(word: str, choices: Iterable[str]) -> str | None:
    """Return the one of ``choices`` that ``word`` was probably meant to be, or ``None``.

    >>> suggest("obsf4", ["obfs4", "snowflake"])
    'obfs4'
    """
    if len(word) > _LONGEST:
        return None
    by_folded = {choice.casefold(): choice for choice in choices}
    found = difflib.get_close_matches(word.casefold(), sorted(by_folded), n=1, cutoff=_ALIKE)
    return by_folded[found[0]] if found else None


def suggest_file(path: str) -> str | None:
    """Return the name of a file beside ``path`` that it was probably meant to be, or ``None``."""
    folder, name = os.path.split(path)
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for _, entry in zip(range(_MOST_NAMES), entries, strict=False)]
    except OSError:
        return None
    found = suggest(name, names)
    return None if found is None else os.path.join(folder, found)  # noqa: PTH118 - shown as typed
