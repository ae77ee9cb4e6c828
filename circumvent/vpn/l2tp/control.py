"""Control messages of L2TP (RFC 2661): the two that begin a control connection, and the one that ends it."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

PORT: Final = 1701
#: RFC 2661, section 3.1: control message (T), with length (L) and sequence numbers (S), version 2.
_FLAGS: Final = 0xC802
#: What a receiver looks at: T, L, S, and the version.
_MASK: Final = 0xC80F
_HEADER: Final = struct.Struct("!HHHHHH")
_MANDATORY: Final = 0x8000
#: Section 4.1: six bytes of header, ten bits of length.
_AVP_HEADER: Final = 6
_LENGTH_BITS: Final = 0x03FF
#: More attributes are not read.
_MOST: Final = 64


class L2tpError(ValueError):
    """What came is no control message of L2TP, or a malformed one."""


class Kind(IntEnum):
    """Control messages (section 3.2)."""

    SCCRQ = 1
    SCCRP = 2
    STOP_CCN = 4


class Attribute(IntEnum):
    """Attribute types (section 4.4)."""

    MESSAGE_TYPE = 0
    RESULT_CODE = 1
    PROTOCOL_VERSION = 2
    FRAMING_CAPABILITIES = 3
    HOST_NAME = 7
    ASSIGNED_TUNNEL_ID = 9
    RECEIVE_WINDOW = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A control message: whose tunnel it is for, its numbers, its attributes."""

    tunnel: int
    sent: int
    expected: int
    attributes: tuple[tuple[int, bytes], ...]

    def get(self, kind: Attribute) -> bytes | None:
        """Return the value of the first attribute of this type."""
        return next((value for number, value in self.attributes if number == kind), None)

    @property
    def kind(self) -> int | None:
        """Return the type of the message; ``None`` for an acknowledgement, which has no attributes."""
        value = self.get(Attribute.MESSAGE_TYPE)
        return None if value is None or len(value) != 2 else int.from_bytes(value, "big")

    @property
    def assigned(self) -> int | None:
        """Return the number that the peer gave its end of the tunnel."""
        value = self.get(Attribute.ASSIGNED_TUNNEL_ID)
        return None if value is None or len(value) != 2 else int.from_bytes(value, "big") or None


def pack(message: Message) -> bytes:
    """Write a message (section 3.1); every attribute is mandatory."""
    body = b"".join(
        struct.pack("!HHH", _MANDATORY | _AVP_HEADER + len(value), 0, number) + value
        for number, value in message.attributes
    )
    head = _HEADER.pack(_FLAGS, _HEADER.size + len(body), message.tunnel, 0, message.sent, message.expected)
    return head + body


def parse(data: bytes) -> Message:
    """Read a datagram.

    :raises L2tpError: when it is no control message, or malformed.
    """
    if len(data) < _HEADER.size:
        raise L2tpError("too short for a control message")
    flags, length, tunnel, _, sent, expected = _HEADER.unpack_from(data)
    if flags & _MASK != _FLAGS or not _HEADER.size <= length <= len(data):
        raise L2tpError("no control message of version 2")
    return Message(
        tunnel=tunnel, sent=sent, expected=expected, attributes=_attributes(data[_HEADER.size : length])
    )


def _attributes(data: bytes) -> tuple[tuple[int, bytes], ...]:
    """Read attributes; those of vendors, and hidden ones (section 4.3), are left out."""
    found: list[tuple[int, bytes]] = []
    position = 0
    for _ in range(_MOST):
        if position == len(data):
            return tuple(found)
        if len(data) - position < _AVP_HEADER:
            raise L2tpError("an attribute is cut short")
        bits, vendor, number = struct.unpack_from("!HHH", data, position)
        size = bits & _LENGTH_BITS
        if not _AVP_HEADER <= size <= len(data) - position:
            raise L2tpError("an attribute has an impossible length")
        if vendor == 0 and not bits & 0x4000:
            found.append((number, data[position + _AVP_HEADER : position + size]))
        position += size
    raise L2tpError("too many attributes")


def start_request(tunnel: int, host: bytes) -> bytes:
    """Write a Start-Control-Connection-Request (section 6.1); ``tunnel`` is our number for it."""
    return pack(
        Message(
            tunnel=0,
            sent=0,
            expected=0,
            attributes=(
                (Attribute.MESSAGE_TYPE, struct.pack("!H", Kind.SCCRQ)),
                (Attribute.PROTOCOL_VERSION, b"\x01\x00"),
                (Attribute.HOST_NAME, host),
                (Attribute.FRAMING_CAPABILITIES, struct.pack("!I", 3)),
                (Attribute.ASSIGNED_TUNNEL_ID, struct.pack("!H", tunnel)),
                (Attribute.RECEIVE_WINDOW, struct.pack("!H", 4)),
            ),
        )
    )


def stop(reply: Message, tunnel: int) -> bytes:
    """Write a Stop-Control-Connection-Notification (section 6.4) that also acknowledges ``reply``.

    Result code 1: "General request to clear control connection" (section 4.4.2).
    """
    return pack(
        Message(
            tunnel=reply.assigned or 0,
            sent=1,
            expected=(reply.sent + 1) & 0xFFFF,
            attributes=(
                (Attribute.MESSAGE_TYPE, struct.pack("!H", Kind.STOP_CCN)),
                (Attribute.ASSIGNED_TUNNEL_ID, struct.pack("!H", tunnel)),
                (Attribute.RESULT_CODE, struct.pack("!H", 1)),
            ),
        )
    )


def answers(data: bytes, tunnel: int) -> Message | None:
    """Return the message if it answers our start request: for our tunnel, SCCRP or StopCCN; else ``None``."""
    try:
        message = parse(data)
    except L2tpError:
        return None
    if message.tunnel != tunnel or message.kind not in (Kind.SCCRP, Kind.STOP_CCN):
        return None
    return message


def result_code(message: Message) -> int | None:
    """Return the result code of a StopCCN (section 4.4.2)."""
    value = message.get(Attribute.RESULT_CODE)
    return None if value is None or len(value) < 2 else int.from_bytes(value[:2], "big")
