"""ESP (RFC 4303) in tunnel mode: packets sealed and opened, numbers that count up, a window against replays."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.boxes import make_box
from circumvent.vpn.ikev2.errors import IkeError

if TYPE_CHECKING:
    from circumvent.vpn.ikev2.boxes import Box
    from circumvent.vpn.ikev2.keys import ChildKeys
    from circumvent.vpn.ikev2.suites import ChildSuite

#: RFC 4303, section 3.4.3: packets that may arrive out of order.
WINDOW: Final = 64
#: Next headers of what is inside (RFC 4303, section 2.6): IPv4, IPv6, and packets to be thrown away.
_IPV4: Final = 4
_IPV6: Final = 41
_HEADER: Final = 8
_LAST: Final = 0xFFFFFFFF


class EspSa:
    """One CHILD SA: both directions, each with its SPI (four bytes)."""

    def __init__(self, suite: ChildSuite, keys: ChildKeys, *, spi_in: bytes, spi_out: bytes) -> None:
        self.suite = suite
        self._out: Box = make_box(suite.encr, suite.integ, keys.initiator)
        self._in: Box = make_box(suite.encr, suite.integ, keys.responder)
        self._spi_in = spi_in
        self._spi_out = spi_out
        self._sent = 0
        self._highest = 0
        self._seen = 0

    def overhead(self, size: int) -> int:
        """Return the bytes that ESP adds to a packet of ``size`` bytes."""
        return _HEADER + self._out.overhead + self._padding(size) + 2

    def _padding(self, size: int) -> int:
        """Return the padding that ends the two last bytes on four bytes and on a block (section 2.4)."""
        return -(size + 2) % max(self._out.block, 4)

    def seal(self, packet: bytes) -> bytes:
        """Return an ESP packet around an IP packet.

        :raises IkeError: when it is no IP packet, or the numbers are used up.
        """
        version = packet[0] >> 4 if packet else 0
        if version not in (4, 6) or self._sent >= _LAST:
            raise IkeError("no IP packet, or one too many for these keys")
        self._sent += 1
        prefix = self._spi_out + struct.pack("!I", self._sent)
        padding = bytes(range(1, 1 + self._padding(len(packet))))
        trailer = bytes([len(padding), _IPV4 if version == 4 else _IPV6])
        return prefix + self._out.seal(prefix, packet + padding + trailer)

    def open(self, data: bytes) -> bytes | None:
        """Return the IP packet inside; ``None`` for a dummy packet (section 2.6).

        :raises IkeError: when it is for another SA, a replay, or not made with our keys.
        """
        if len(data) < _HEADER or data[:4] != self._spi_in:
            raise IkeError("an ESP packet of another SA")
        number = int.from_bytes(data[4:_HEADER], "big")
        self._require_new(number)
        plaintext = self._in.open(data[:_HEADER], data[_HEADER:])
        self._accept(number)
        if len(plaintext) < 2 or plaintext[-2] > len(plaintext) - 2:
            raise IkeError("the padding is impossible")
        packet = plaintext[: len(plaintext) - 2 - plaintext[-2]]
        if plaintext[-1] not in (_IPV4, _IPV6):
            return None
        return packet

    def _require_new(self, number: int) -> None:
        """Section 3.4.3; a packet counts as seen only when its check value has proved right."""
        behind = self._highest - number
        if number == 0 or behind >= WINDOW or (behind >= 0 and self._seen >> behind & 1):
            raise IkeError("a packet that came before, or long ago")

    def _accept(self, number: int) -> None:
        ahead = number - self._highest
        if ahead > 0:
            self._seen = 1 if ahead >= WINDOW else (self._seen << ahead | 1) & (1 << WINDOW) - 1
            self._highest = number
        else:
            self._seen |= 1 << -ahead
