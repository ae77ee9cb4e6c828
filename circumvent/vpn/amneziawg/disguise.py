"""What AmneziaWG does to WireGuard's datagrams: other types, random bytes in front, packets before an initiation.

An initiation is told from data by its length and its type together, so that random bytes of any number may stand before
each; a receiver that knows the numbers finds the message behind them.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from circumvent.vpn.amneziawg.tags import make_packet, parse_tags
from circumvent.vpn.wireguard.cookie import COOKIE_REPLY_SIZE
from circumvent.vpn.wireguard.handshake import (
    COOKIE_REPLY,
    DATA,
    INITIATION,
    INITIATION_SIZE,
    RESPONSE,
    RESPONSE_SIZE,
)
from circumvent.vpn.wireguard.transport import HEADER_SIZE, TAG_SIZE

if TYPE_CHECKING:
    from random import Random

    from circumvent.model.wireguard import Disguise
    from circumvent.vpn.wireguard.framing import Plain

#: Types in the order of S1 to S4 and H1 to H4.
_ORDER: Final = (INITIATION, RESPONSE, COOKIE_REPLY, DATA)
#: Lengths of the messages that a peer is asked for; that of data is the least.
_SIZES: Final = {
    INITIATION: INITIATION_SIZE,
    RESPONSE: RESPONSE_SIZE,
    COOKIE_REPLY: COOKIE_REPLY_SIZE,
    DATA: HEADER_SIZE + TAG_SIZE,
}


class Disguised:
    """A :class:`~circumvent.vpn.wireguard.framing.Framing` as a profile of AmneziaWG wants it."""

    def __init__(self, disguise: Disguise, plain: Plain, random: Random) -> None:
        """Use what ``disguise`` says; ``plain`` puts WARP's bytes in where types are WireGuard's own.

        :raises TagError: when a signature packet is none.
        """
        self._disguise = disguise
        self._plain = plain
        self._random = random
        self._headers = dict(zip(_ORDER, disguise.headers, strict=True))
        self._paddings = dict(zip(_ORDER, disguise.paddings, strict=True))
        self._packets = [parse_tags(text) for text in disguise.packets]
        self._counter = 0
        self._own_types = all(self._headers[kind] == (kind, kind) for kind in _ORDER)

    def number(self, kind: int) -> int:
        """Return a number out of the range that stands for a type."""
        first, last = self._headers[kind]
        return first if first == last else self._random.randint(first, last)

    def wrap(self, message: bytes) -> bytes:
        """Put random bytes before a message."""
        kind = self._kind(message)
        if self._own_types:
            message = self._plain.wrap(message)
        padding = self._paddings.get(kind, 0)
        return self._random.randbytes(padding) + message if padding else message

    def unwrap(self, datagram: bytes) -> bytes | None:
        """Find the message in a datagram, and give it the type of the paper."""
        for kind in (RESPONSE, COOKIE_REPLY, INITIATION, DATA):
            message = datagram[self._paddings[kind] :]
            fits = len(message) >= _SIZES[kind] if kind == DATA else len(message) == _SIZES[kind]
            if not fits:
                continue
            if self._own_types:
                plain = self._plain.unwrap(message)
                if plain is not None and plain[0] == kind:
                    return plain
                continue
            first, last = self._headers[kind]
            if first <= int.from_bytes(message[:4], "little") <= last:
                return struct.pack("<I", kind) + message[4:]
        return None

    def before(self, wall: float) -> list[bytes]:
        """Return the signature packets that are not empty, then the junk."""
        packets = []
        for tags in self._packets:
            self._counter += 1
            packets.append(make_packet(tags, wall=wall, counter=self._counter, random=self._random))
        disguise = self._disguise
        for _ in range(disguise.junk_count):
            size = self._random.randint(disguise.junk_least, disguise.junk_most)
            packets.append(self._random.randbytes(size))
        return [packet for packet in packets if packet]

    def _kind(self, message: bytes) -> int:
        number = int.from_bytes(message[:4], "little")
        return next(
            (kind for kind, (first, last) in self._headers.items() if first <= number <= last), INITIATION
        )
