"""From bytes to the links in them: encodings, invisible characters, base64 lists, several links in one line of chat."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Longest line that is looked at, in characters. VMess links with everything in them have some 2,000.
LONGEST_LINE: Final = 16_384
#: Most links taken from one line.
MOST_IN_LINE: Final = 100

#: Zero width space, (non-)joiners, word joiner, BOM, soft hyphen and the marks of writing direction: chat programs
#: and web pages put them into links, where they never belong. A label may lose a joiner by it, and stays readable.
_INVISIBLE: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
#: Where a link begins: a scheme followed by ``//``, or one of the schemes that go without.
_START: Final = re.compile(
    r"(?<![A-Za-z0-9+.\-@/=?&#%:])"
    r"(?:[A-Za-z][A-Za-z0-9+.-]{0,30}://|(?:stuns?|turns?|sdns|tg|mailto):(?=[^\s/]))"
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,3}")
#: Punctuation that belongs to the sentence around a link, and brackets that do if they were opened before it.
_TRAILING: Final = ".,;:!?\"'`*>\u00bb\u201d\u2019\u2026"
_BRACKETS: Final = {")": "(", "]": "[", "}": "{"}


def decode(data: bytes) -> str | None:
    """Return the text of a file: UTF-8 or, with its mark, UTF-16. ``None`` if it is no text."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            text = data[2:].decode(encoding, "replace")
            return None if "\0" in text else text
    if b"\0" in data:
        return None
    return data.decode("utf-8", "replace").removeprefix("\ufeff")


def clean(line: str) -> str:
    """Return a line without invisible characters and without white space at its ends."""
    return _INVISIBLE.sub("", line).strip()


def is_comment(line: str) -> bool:
    """Tell whether a cleaned line is empty or a comment."""
    return not line or line.startswith(("#", "//", ";"))


def unwrap_base64(text: str) -> str | None:
    """Return the list inside a file that is base64 as a whole; ``None`` if it is none.

    Both alphabets are read, with and without padding, in one line or wrapped.
    """
    packed = "".join(_INVISIBLE.sub("", text).split())
    if not _BASE64.fullmatch(packed):
        return None
    packed = packed.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    inner = decode(data)
    return inner if inner is not None and _START.search(inner) else None


def links_in(line: str) -> Iterator[str]:
    """Return the links in a cleaned line, in order.

    A link ends at white space, except in its name (after ``#``), which people leave unencoded: that one ends
    where the next link begins.
    """
    starts = [match.start() for _, match in zip(range(MOST_IN_LINE), _START.finditer(line), strict=False)]
    for start, end in zip(starts, [*starts[1:], len(line)], strict=False):
        yield _one_link(line[start:end], alone=len(starts) == 1 and start == 0)


def _one_link(piece: str, *, alone: bool) -> str:
    body, sharp, name = piece.partition("#")
    words = body.split(maxsplit=1)
    if len(words) > 1 or not sharp:
        # What follows the white space is talk, and so is any # in it.
        return words[0] if alone and len(words) == 1 else _trim(words[0])
    return f"{body.strip()}#{name.strip()}"


def _trim(link: str) -> str:
    while link:
        last = link[-1]
        if last in _TRAILING or (last in _BRACKETS and link.count(last) > link.count(_BRACKETS[last])):
            link = link[:-1]
        else:
            break
    return link
