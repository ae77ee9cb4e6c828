"""The header and the chain of payloads (RFC 7296, sections 3.1 and 3.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import VERSION, Flag, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

HEADER_BYTES: Final = 28
#: No chain has more payloads; certificates and certificate requests come in tens at most.
MOST_PAYLOADS: Final = 128
_HEADER: Final = struct.Struct("!8s8sBBBBII")
_CRITICAL: Final = 0x80
#: Kinds after which nothing of the chain is in clear (RFC 7296, section 3.14; RFC 7383, section 2.5).
_SEALED: Final = frozenset({Kind.SK, Kind.SKF})
_KNOWN: Final = frozenset(Kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What every IKE message begins with. ``length`` is that of the whole message in bytes."""

    initiator_spi: bytes
    responder_spi: bytes
    next_payload: int
    exchange: int
    flags: int
    message_id: int
    length: int = 0

    @property
    def is_response(self) -> bool:
        """Tell whether this answers a request."""
        return bool(self.flags & Flag.RESPONSE)

    def pack(self, length: int) -> bytes:
        """Return the header of a message that has ``length`` bytes in all."""
        return _HEADER.pack(
            self.initiator_spi,
            self.responder_spi,
            self.next_payload,
            VERSION,
            self.exchange,
            self.flags,
            self.message_id,
            length,
        )


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload: its type, and its body without the generic header."""

    kind: int
    body: bytes
    critical: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A message that has been opened, or was never sealed."""

    header: Header
    payloads: tuple[Payload, ...]

    def first(self, kind: int) -> bytes | None:
        """Return the body of the first payload of this type."""
        return next((payload.body for payload in self.payloads if payload.kind == kind), None)

    def all(self, kind: int) -> list[bytes]:
        """Return the bodies of all payloads of this type, in order."""
        return [payload.body for payload in self.payloads if payload.kind == kind]

    def require(self, kind: Kind) -> bytes:
        """Return the body of the first payload of this type.

        :raises IkeError: when there is none.
        """
        body = self.first(kind)
        if body is None:
            raise IkeError(f"the answer has no {kind.name} payload")
        return body


def parse_header(data: bytes) -> Header:
    """Read the header of a datagram that holds one message.

    :raises IkeError: when it is none of version 2, or has another length than it says.
    """
    if len(data) < HEADER_BYTES:
        raise IkeError("too short for an IKE message")
    initiator, responder, following, version, exchange, flags, message_id, length = _HEADER.unpack_from(data)
    if version >> 4 != VERSION >> 4:
        raise IkeError("another version of IKE")
    if length != len(data):
        raise IkeError("the message has another length than its header says")
    return Header(
        initiator_spi=initiator,
        responder_spi=responder,
        next_payload=following,
        exchange=exchange,
        flags=flags,
        message_id=message_id,
        length=length,
    )


def parse_payloads(first: int, data: bytes) -> tuple[Payload, ...]:
    """Read a chain that begins with a payload of type ``first``; a sealed one ends it.

    Payloads of unknown types are left out (RFC 7296, section 2.5).

    :raises IkeError: when a length is wrong, there are too many, or an unknown one is critical.
    """
    payloads: list[Payload] = []
    kind, position = first, 0
    while kind != Kind.NONE:
        if len(data) - position < 4:
            raise IkeError("a payload is cut short")
        following, flags, length = struct.unpack_from("!BBH", data, position)
        if length < 4 or length > len(data) - position:
            raise IkeError("a payload has an impossible length")
        if len(payloads) >= MOST_PAYLOADS:
            raise IkeError("too many payloads")
        body = data[position + 4 : position + length]
        critical = bool(flags & _CRITICAL)
        if kind in _KNOWN:
            payloads.append(Payload(kind, body, critical=critical))
        elif critical:
            raise IkeError(f"a critical payload of unknown type {kind}")
        position += length
        if kind in _SEALED:
            break
        kind = following
    if position != len(data):
        raise IkeError("bytes behind the last payload")
    return tuple(payloads)


def pack_payloads(payloads: Sequence[Payload]) -> bytes:
    """Write a chain; the type of its first payload stands in whatever holds the chain."""
    chain, following = [], int(Kind.NONE)
    for payload in reversed(payloads):
        chain.append(generic_header(following, len(payload.body)) + payload.body)
        following = payload.kind
    return b"".join(reversed(chain))


def generic_header(following: int, size: int) -> bytes:
    """Return the generic header of a payload with ``size`` bytes of body."""
    return struct.pack("!BBH", following, 0, size + 4)


def pack_clear(header: Header, payloads: Sequence[Payload]) -> bytes:
    """Write a message that nothing protects (IKE_SA_INIT); ``next_payload`` of ``header`` is filled in."""
    chain = pack_payloads(payloads)
    filled = Header(
        initiator_spi=header.initiator_spi,
        responder_spi=header.responder_spi,
        next_payload=payloads[0].kind if payloads else Kind.NONE,
        exchange=header.exchange,
        flags=header.flags,
        message_id=header.message_id,
    )
    return filled.pack(HEADER_BYTES + len(chain)) + chain


def parse_clear(data: bytes) -> Message:
    """Read a message that nothing protects.

    :raises IkeError: when it is malformed.
    """
    header = parse_header(data)
    return Message(header, parse_payloads(header.next_payload, data[HEADER_BYTES:]))
