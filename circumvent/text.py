"""Foreign text made harmless: what a server, a file or a name says is shown escaped, short, and on one line."""

from __future__ import annotations

import unicodedata
from typing import Final

#: Characters shown of a foreign text where nothing else is said.
DEFAULT_LIMIT: Final = 60
_ELLIPSIS: Final = "…"
#: Unicode categories that steer a terminal or a reader instead of being read: controls (C0, C1), format
#: characters (bidirectional overrides, tags), surrogates, private use, unassigned, line and paragraph ends.
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
#: Format characters that Persian and Indic words are spelled with: ZERO WIDTH NON-JOINER and JOINER.
_SPELLING: Final = frozenset("\u200c\u200d")


def sanitise(text: str | bytes, limit: int = DEFAULT_LIMIT) -> str:
    r"""Return ``text`` on one line, at most ``limit`` characters, with steering characters as visible escapes.

    Bytes are read as UTF-8, and what isn't is escaped. The result is a fixed point: sanitised text stays as it is.

    >>> print(sanitise("\x1b[31mred\u202e"))
    \x1b[31mred\u202e
    """
    if isinstance(text, bytes):
        # A UTF-8 character has at most four bytes: enough is read to fill the limit.
        text = text[: 4 * limit + 4].decode("utf-8", errors="backslashreplace")
    shown: list[str] = []
    length = 0
    for character in text[: limit + 1]:
        piece = _escape(character) if _steers(character) else character
        if length + len(piece) > limit:
            return _shorten(shown, limit)
        shown.append(piece)
        length += len(piece)
    return "".join(shown)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in _STEERING and character not in _SPELLING


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _shorten(pieces: list[str], limit: int) -> str:
    """Make room for the ellipsis without cutting an escape in two."""
    while pieces and sum(map(len, pieces)) + len(_ELLIPSIS) > limit:
        pieces.pop()
    return "".join(pieces) + _ELLIPSIS[:limit]
