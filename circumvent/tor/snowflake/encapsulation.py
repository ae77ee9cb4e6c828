"""Packets in a stream, with padding between them (snowflake's encapsulation).

Each chunk has a length of 6, 13 or 20 bits in one, two or three bytes. The highest bit of the first says data (or padding), the
next that the length goes on; in the others the highest bit says that.
"""

from __future__ import annotations

from typing import Final

from circumvent.tor.errors import TorError

# Specification.
LONGEST_PREFIX: Final = 3
_DATA, _MORE_FIRST, _MORE = 0x80, 0x40, 0x80

# Ours.
#: Packets are packets: no server sends longer ones than a client reads.
LONGEST_PACKET: Final = 2048


def encapsulate(packet: bytes) -> bytes:
    """Return a packet with its length.

    :raises ValueError: when it is longer than :data:`LONGEST_PACKET`.
    """
    length = len(packet)
    if length > LONGEST_PACKET:
        raise ValueError("no packet is so long")
    if length < 1 << 6:
        return bytes((_DATA | length,)) + packet
    return bytes((_DATA | _MORE_FIRST | length >> 7, length & 0x7F)) + packet


class Decapsulator:
    """Cuts a stream into packets."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._padding = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the packets that are whole now.

        :raises TorError: when a length is none, or a packet's is more than :data:`LONGEST_PACKET`.
        """
        self._held += data
        packets: list[bytes] = []
        while True:
            skipped = min(self._padding, len(self._held))
            del self._held[:skipped]
            self._padding -= skipped
            head = self._head()
            if self._padding or head is None:
                return packets
            is_data, length, size = head
            if not is_data:
                del self._held[:size]
                self._padding = length
                continue
            if length > LONGEST_PACKET:
                raise TorError("a packet that is too long")
            if len(self._held) < size + length:
                return packets
            packets.append(bytes(self._held[size : size + length]))
            del self._held[: size + length]

    def _head(self) -> tuple[bool, int, int] | None:
        """Return whether data follow, how many bytes, and how long the prefix is; ``None`` until it is whole."""
        if not self._held:
            return None
        first = self._held[0]
        length, size, more = first & 0x3F, 1, bool(first & _MORE_FIRST)
        while more:
            if size == LONGEST_PREFIX:
                raise TorError("a length that is too long")
            if len(self._held) == size:
                return None
            byte = self._held[size]
            length, size, more = length << 7 | byte & 0x7F, size + 1, bool(byte & _MORE)
        return bool(first & _DATA), length, size
