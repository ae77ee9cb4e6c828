"""A reader of protocol buffers: what a terminal answers, field by field, whatever its firmware left out or changed.

The wire format is that of https://protobuf.dev/programming-guides/encoding/. There are no message types here: a field
that is missing, or has another type than is asked for, is ``None``, because firmware changes under its users' feet.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The most bytes of a message, and the most fields: a dish's history of 15 minutes has some 20 kB.
LARGEST: Final = 256 << 10
MOST_FIELDS: Final = 20_000

_VARINT: Final = 0
_FIXED64: Final = 1
_BYTES: Final = 2
_FIXED32: Final = 5
_LONGEST_VARINT: Final = 10

Value = int | bytes


class ProtobufError(ValueError):
    """Bytes that are no message."""


class Message:
    """The fields of a message: number to values, in their order.

    :raises ProtobufError: when the bytes are no message.
    """

    def __init__(self, data: bytes) -> None:
        if len(data) > LARGEST:
            raise ProtobufError("a message of this size is none of a terminal's")
        self._fields: dict[int, list[tuple[int, Value]]] = {}
        for count, (number, kind, value) in enumerate(_fields(data)):
            if count >= MOST_FIELDS:
                raise ProtobufError("a message with so many fields is none of a terminal's")
            self._fields.setdefault(number, []).append((kind, value))

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def integer(self, number: int) -> int | None:
        """Return an unsigned integer, or the number of an enumeration."""
        value = self._last(number, _VARINT)
        return value if isinstance(value, int) else None

    def flag(self, number: int) -> bool | None:
        """Return a truth value; proto3 leaves ``False`` out, so ``None`` may mean that too."""
        value = self.integer(number)
        return None if value is None else value != 0

    def real(self, number: int) -> float | None:
        """Return a ``float``; ``None`` for what is no number (NaN, infinity)."""
        value = self._last(number, _FIXED32)
        return _real(value) if isinstance(value, bytes) else None

    def reals(self, number: int) -> list[float]:
        """Return repeated ``float``, packed or not; what is no number is left out."""
        found = []
        for kind, value in self._fields.get(number, ()):
            if not isinstance(value, bytes) or kind == _FIXED64:
                continue
            whole = len(value) - len(value) % 4
            found += [_real(value[start : start + 4]) for start in range(0, whole, 4)]
        return [one for one in found if one is not None]

    def message(self, number: int) -> Message | None:
        """Return a message inside this one; ``None`` also if its bytes are none."""
        value = self._last(number, _BYTES)
        if not isinstance(value, bytes):
            return None
        try:
            return Message(value)
        except ProtobufError:
            return None

    def _last(self, number: int, kind: int) -> Value | None:
        """Return the last value of that type: later ones replace earlier ones."""
        return next((value for one, value in reversed(self._fields.get(number, ())) if one == kind), None)


def write_empty(number: int) -> bytes:
    """Return a message with one field: an empty message."""
    return write_varint(number << 3 | _BYTES) + b"\0"


def write_varint(value: int) -> bytes:
    """Return a number in base 128, least significant group first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _fields(data: bytes) -> Iterator[tuple[int, int, Value]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29:
            raise ProtobufError("a field has a number that none can have")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, kind, value
            continue
        if kind not in {_FIXED64, _BYTES, _FIXED32}:
            raise ProtobufError("a field has a type that this format does not have")
        if kind == _BYTES:
            size, at = _varint(data, at)
        else:
            size = 8 if kind == _FIXED64 else 4
        if at + size > len(data):
            raise ProtobufError("a field ends after its message")
        yield number, kind, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(_LONGEST_VARINT):
        if at >= len(data):
            raise ProtobufError("a number ends after its message")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << 7 * shift
        if byte < 0x80:
            return value & (1 << 64) - 1, at
    raise ProtobufError("a number has no end")


def _real(four: bytes) -> float | None:
    value: float = struct.unpack("<f", four)[0]
    return value if math.isfinite(value) else None
