"""An IKE SA with keys: messages sealed and opened (RFC 7296, section 3.14), in fragments where agreed (RFC 7383)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.boxes import make_box
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.message import (
    HEADER_BYTES,
    Header,
    Message,
    Payload,
    generic_header,
    pack_payloads,
    parse_header,
    parse_payloads,
)
from circumvent.vpn.ikev2.numbers import Flag, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.vpn.ikev2.boxes import Box
    from circumvent.vpn.ikev2.keys import IkeKeys
    from circumvent.vpn.ikev2.suites import IkeSuite

#: Bytes of the largest IKE message that is sent in one piece where fragments are agreed: with UDP, the non-ESP marker
#: and IPv6 around it, it fits into 1280 bytes (RFC 7383, section 2.5.1).
FRAGMENT_BYTES: Final = 1220
#: A message comes in no more fragments, and has no more bytes. (32 certificates of 2 KB would fit.)
MOST_FRAGMENTS: Final = 64
LARGEST_MESSAGE: Final = 64 * 1024
_FRAGMENT_HEADER: Final = 4


@dataclass(slots=True)
class _Pieces:
    """Fragments of one message, as they come."""

    total: int
    first_payload: int = 0
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """What IKE_SA_INIT agreed on."""

    suite: IkeSuite
    keys: IkeKeys
    initiator_spi: bytes
    responder_spi: bytes
    nonces: tuple[bytes, bytes]
    first_request: bytes
    first_response: bytes
    fragments: bool
    hashes: frozenset[int]


class IkeSa:
    """Seals what we say as the initiator, and opens what the responder says."""

    def __init__(self, secured: Secured) -> None:
        suite, keys = secured.suite, secured.keys
        self.secured = secured
        self._ours: Box = make_box(suite.encr, suite.integ, keys.initiator)
        self._theirs: Box = make_box(suite.encr, suite.integ, keys.responder)
        self._next_id = 1  # 0 was IKE_SA_INIT
        self._pieces: dict[tuple[int, bool], _Pieces] = {}

    def request(self, exchange: int, payloads: Sequence[Payload]) -> tuple[int, list[bytes]]:
        """Return the message id of our next request, and the datagrams that hold it."""
        message_id = self._next_id
        self._next_id += 1
        return message_id, self._seal(exchange, message_id, payloads, Flag.INITIATOR)

    def response(self, request: Header, payloads: Sequence[Payload]) -> list[bytes]:
        """Return the datagrams that answer a request of the responder's."""
        return self._seal(request.exchange, request.message_id, payloads, Flag.INITIATOR | Flag.RESPONSE)

    def _seal(self, exchange: int, message_id: int, payloads: Sequence[Payload], flags: int) -> list[bytes]:
        secured = self.secured
        header = Header(
            initiator_spi=secured.initiator_spi,
            responder_spi=secured.responder_spi,
            next_payload=Kind.SK,
            exchange=exchange,
            flags=flags,
            message_id=message_id,
        )
        first = payloads[0].kind if payloads else Kind.NONE
        chain = pack_payloads(payloads)
        whole = self._sealed(header, first, b"", chain)
        if len(whole) <= FRAGMENT_BYTES or not secured.fragments:
            return [whole]
        room = FRAGMENT_BYTES - HEADER_BYTES - 4 - _FRAGMENT_HEADER - self._ours.overhead - self._ours.block
        parts = [chain[start : start + room] for start in range(0, len(chain), room)]
        header = replace(header, next_payload=Kind.SKF)
        return [
            # RFC 7383, section 2.5: the type of the first payload stands in the first fragment only.
            self._sealed(
                header, first if number == 1 else Kind.NONE, struct.pack("!HH", number, len(parts)), part
            )
            for number, part in enumerate(parts, start=1)
        ]

    def _sealed(self, header: Header, first: int, between: bytes, chain: bytes) -> bytes:
        padding = -(len(chain) + 1) % self._ours.block
        plaintext = chain + bytes(padding) + bytes([padding])
        size = len(between) + self._ours.overhead + len(plaintext)
        prefix = header.pack(HEADER_BYTES + 4 + size) + generic_header(first, size) + between
        return prefix + self._ours.seal(prefix, plaintext)

    def open(self, data: bytes) -> Message | None:
        """Open a datagram of the responder's; ``None`` while fragments of its message are missing.

        :raises IkeError: when it is malformed, belongs to another SA, or was not made with our keys.
        """
        header = parse_header(data)
        secured = self.secured
        if (header.initiator_spi, header.responder_spi) != (secured.initiator_spi, secured.responder_spi):
            raise IkeError("the message belongs to another SA")
        if header.flags & Flag.INITIATOR:
            raise IkeError("the message is our own")
        if header.next_payload == Kind.SK:
            first, chain = self._opened(data, HEADER_BYTES + 4)
            return Message(header, parse_payloads(first, chain))
        if header.next_payload == Kind.SKF and secured.fragments:
            return self._collect(header, data)
        raise IkeError("the message is not encrypted")

    def _opened(self, data: bytes, start: int) -> tuple[int, bytes]:
        """Return the type of the first payload inside, and the chain."""
        following, _, length = struct.unpack_from("!BBH", data.ljust(HEADER_BYTES + 4, b"\0"), HEADER_BYTES)
        if length != len(data) - HEADER_BYTES or len(data) < start:
            raise IkeError("the encrypted payload has an impossible length")
        plaintext = self._theirs.open(data[:start], data[start:])
        if not plaintext or plaintext[-1] >= len(plaintext):
            raise IkeError("the padding is impossible")
        return following, plaintext[: len(plaintext) - 1 - plaintext[-1]]

    def _collect(self, header: Header, data: bytes) -> Message | None:
        """Keep a fragment that proved right; return the message when it is complete (RFC 7383, section 2.6)."""
        start = HEADER_BYTES + 4 + _FRAGMENT_HEADER
        if len(data) < start:
            raise IkeError("a fragment is cut short")
        number, total = struct.unpack_from("!HH", data, HEADER_BYTES + 4)
        if not 1 <= number <= total <= MOST_FRAGMENTS:
            raise IkeError("a fragment has an impossible number")
        first, chain = self._opened(data, start)
        key = header.message_id, header.is_response
        pieces = self._pieces.get(key)
        if pieces is None or pieces.total < total:
            # A peer that finds the path's MTU smaller sends the message again in more fragments.
            pieces = _Pieces(total)
            self._pieces = {key: pieces}
        if pieces.total != total:
            raise IkeError("a fragment of an older division")
        pieces.parts[number] = chain
        if number == 1:
            pieces.first_payload = first
        if len(pieces.parts) < total:
            return None
        del self._pieces[key]
        whole = b"".join(pieces.parts[number] for number in range(1, total + 1))
        if len(whole) > LARGEST_MESSAGE:
            raise IkeError("the message is too large")
        return Message(header, parse_payloads(pieces.first_payload, whole))
