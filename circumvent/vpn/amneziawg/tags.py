"""Signature packets (I1 to I5): a sequence of tags, each of which makes some bytes.

``<b 0x...>`` these bytes, ``<r N>`` random bytes, ``<rd N>`` digits, ``<rc N>`` letters, ``<t>`` the time (four bytes,
seconds since 1970), ``<c>`` a counter (1.5; eight bytes). What ``<wt N>`` and ``<wr>`` of early 1.5 versions ask for, to
wait, is no part of the packet, and is left out.
"""

from __future__ import annotations

import re
import string
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from random import Random

#: What fits a datagram that is not cut up anywhere near, and the most tags that make one.
LARGEST_PACKET: Final = 8192
MOST_TAGS: Final = 256

_TAG: Final = re.compile(r"\s*<\s*([a-z]{1,2})(?:\s+([0-9A-Za-z]+))?\s*>\s*")
_BARE: Final = frozenset({"t", "c", "wr"})
_SIZES: Final = {"t": 4, "c": 8}
_DIGITS: Final = string.digits.encode()
_LETTERS: Final = string.ascii_letters.encode()

Word = Literal["b", "r", "rd", "rc", "t", "c"]


class TagError(ValueError):
    """This is no signature packet. The message is a sentence that repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: what it makes, how many bytes of it, and for ``b`` which."""

    word: str
    size: int
    data: bytes = b""


def parse_tags(text: str) -> tuple[Tag, ...]:
    """Read a signature packet.

    :raises TagError: when it is none, or makes more than :data:`LARGEST_PACKET` bytes.
    """
    tags: list[Tag] = []
    position = 0
    total = 0
    while position < len(text):
        match = _TAG.match(text, position)
        if match is None or len(tags) >= MOST_TAGS:
            raise TagError("this is no sequence of tags such as <b 0x00> <r 16> <t>.")
        tag = _tag(match[1], match[2])
        position = match.end()
        if tag is None:
            continue
        total += tag.size
        if total > LARGEST_PACKET:
            raise TagError(f"this packet would be larger than {LARGEST_PACKET} bytes.")
        tags.append(tag)
    return tuple(tags)


def _tag(word: str, value: str | None) -> Tag | None:
    if (value is None) != (word in _BARE):
        raise TagError("a tag has a value where it may not, or none where it must.")
    if word in _SIZES:
        return Tag(word, _SIZES[word])
    if word in {"wr", "wt"}:
        return None
    if word == "b" and value is not None:
        return _bytes_tag(value)
    if word not in {"r", "rd", "rc"} or value is None:
        raise TagError("there is a tag that is not known.")
    if not value.isascii() or not value.isdigit() or len(value) > 5:
        raise TagError("the size in a tag is no number.")
    return Tag(word, int(value))


def _bytes_tag(value: str) -> Tag:
    digits = value[2:] if value[:2] in {"0x", "0X"} else value
    if len(digits) % 2 or not digits or len(digits) > 2 * LARGEST_PACKET:
        raise TagError("the bytes in a tag are no pairs of hexadecimal digits.")
    try:
        data = bytes.fromhex(digits)
    except ValueError as exc:
        raise TagError("the bytes in a tag are no pairs of hexadecimal digits.") from exc
    return Tag("b", len(data), data)


def make_packet(tags: tuple[Tag, ...], *, wall: float, counter: int, random: Random) -> bytes:
    """Return one packet: ``wall`` is the time of day, ``counter`` what ``<c>`` shows."""
    return b"".join(_make(tag, wall, counter, random) for tag in tags)


def _make(tag: Tag, wall: float, counter: int, random: Random) -> bytes:
    match tag.word:
        case "b":
            return tag.data
        case "r":
            return random.randbytes(tag.size)
        case "rd":
            return bytes(random.choices(_DIGITS, k=tag.size))
        case "rc":
            return bytes(random.choices(_LETTERS, k=tag.size))
        case "t":
            return struct.pack("!I", int(wall) & 0xFFFFFFFF)
        case _:
            return struct.pack("!Q", counter)
