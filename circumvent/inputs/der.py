"""As much of ASN.1 as files need that hold something else: the content of a signed message, how dear a key file is.

Bounded: sizes, depth and the number of values that are looked at. Nothing is verified here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST: Final = 32
_MOST_VALUES: Final = 20_000
_INTEGER: Final = 0x02
_OCTETS: Final = 0x04
_OID: Final = 0x06
_CONSTRUCTED: Final = 0x20
_CONTEXT_0: Final = 0xA0
#: Object identifiers of CMS (RFC 5652, sections 4 and 5.1).
_DATA: Final = bytes.fromhex("2a864886f70d010701")
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")


class DerError(ValueError):
    """The bytes are no ASN.1, or not what was looked for."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its tag, and its content."""

    tag: int
    content: bytes

    def inside(self) -> list[Value]:
        """Return the values of a constructed one.

        :raises DerError: when they are malformed.
        """
        return list(values(self.content))


def values(data: bytes) -> Iterator[Value]:
    """Yield the values that follow each other in ``data``.

    :raises DerError: when they are malformed, or too many.
    """
    position = 0
    for _ in range(_MOST_VALUES):
        if position == len(data):
            return
        value, position = _value(data, position, 0)
        yield value
    raise DerError("too many values")


def _value(data: bytes, position: int, depth: int) -> tuple[Value, int]:
    if len(data) - position < 2 or data[position] & 0x1F == 0x1F or depth > _DEEPEST:
        raise DerError("a malformed value")
    tag, size = data[position], data[position + 1]
    start = position + 2
    if size == 0x80:  # BER: until two zero bytes, which is what streaming programs write
        return _indefinite(data, tag, start, depth)
    if size > 0x80:
        count = size & 0x7F
        size = int.from_bytes(data[start : start + count], "big")
        start += count
        if count > 4:
            raise DerError("a value of impossible length")
    if size > len(data) - start:
        raise DerError("a value is cut short")
    return Value(tag, data[start : start + size]), start + size


def _indefinite(data: bytes, tag: int, start: int, depth: int) -> tuple[Value, int]:
    if not tag & _CONSTRUCTED:
        raise DerError("a malformed value")
    position = start
    for _ in range(_MOST_VALUES):
        if data[position : position + 2] == b"\0\0":
            return Value(tag, data[start:position]), position + 2
        _, position = _value(data, position, depth + 1)
    raise DerError("too many values")


def is_signed(data: bytes) -> bool:
    """Tell whether a file begins like a signed message (CMS in DER or BER)."""
    return data[:1] == b"\x30" and _SIGNED_DATA in data[:32]


def signed_content(data: bytes) -> bytes:
    """Return what a signed message holds (RFC 5652, section 5.2). The signature is not looked at.

    :raises DerError: when it is no signed message, or its content is elsewhere.
    """
    try:
        whole, _ = _value(data, 0, 0)
        kind, wrapped = whole.inside()[:2]
        if (kind.tag, kind.content, wrapped.tag) != (_OID, _SIGNED_DATA, _CONTEXT_0):
            raise DerError("no signed message")
        signed = wrapped.inside()[0].inside()
        content = signed[2].inside()
        if (content[0].tag, content[0].content) != (_OID, _DATA):
            raise DerError("a signed message with another content")
        return _octets(content[1].inside()[0], 0)
    except IndexError as exc:
        raise DerError("a signed message without its content") from exc
    except ValueError as exc:
        raise exc if isinstance(exc, DerError) else DerError("no signed message") from exc


def _octets(value: Value, depth: int) -> bytes:
    """Return an octet string, which may come in pieces."""
    if value.tag == _OCTETS:
        return value.content
    if value.tag != _OCTETS | _CONSTRUCTED or depth > _DEEPEST:
        raise DerError("no octet string")
    return b"".join(_octets(piece, depth + 1) for piece in value.inside())


def rounds(data: bytes) -> int:
    """Return the largest number of rounds that a key file (PKCS #12) asks for to be opened.

    Everywhere (RFC 7292, RFC 8018) it stands behind a salt: an octet string, then an integer.
    """
    largest, seen = 0, 0
    waiting = [(data, 0)]
    while waiting:
        part, depth = waiting.pop()
        before = 0
        try:
            for value in values(part):
                seen += 1
                if seen > _MOST_VALUES:
                    raise DerError("too many values")
                if value.tag == _INTEGER and before == _OCTETS:
                    largest = max(largest, int.from_bytes(value.content[:8], "big"))
                before = value.tag
                if (value.tag & _CONSTRUCTED or value.tag == _OCTETS) and depth < _DEEPEST:
                    waiting.append((value.content, depth + 1))
        except DerError:
            if seen >= _MOST_VALUES:
                raise
            continue  # an octet string that holds no ASN.1
    return largest
