"""Frames and packets of obfs4 (obfs4-spec, sections 5 and 6).

A frame is two bytes of masked length and a NaCl secretbox; a packet inside it is a type, a length, the payload and
padding. Each direction has 72 bytes of keys: box key, nonce prefix, key and first value of the length masks.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from circumvent.net.salsa import BadTagError, seal, unseal, xsalsa20_with_prefix
from circumvent.tor.errors import TorError
from circumvent.tor.obfs4.siphash import Masks

# Specification.
KEY_BYTES: Final = 72
SEGMENT_BYTES: Final = 1448  #: the largest frame, length included: what fits into a segment of Ethernet
LENGTH_BYTES: Final = 2
TAG_BYTES: Final = 16
PACKET_HEAD: Final = struct.Struct("!BH")
#: Bytes of a frame that are no payload.
OVERHEAD: Final = LENGTH_BYTES + TAG_BYTES + PACKET_HEAD.size
PAYLOAD_BYTES: Final = SEGMENT_BYTES - OVERHEAD
PAYLOAD, SEED = 0, 1  #: types of packets
SEED_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Packet:
    """What a frame held. Types that are not known are to be ignored."""

    kind: int
    payload: bytes


class _Direction:
    """Keys of one direction, and how many frames they have sealed."""

    def __init__(self, keys: bytes) -> None:
        self.key, self._prefix = keys[:32], keys[32:48]
        self.stream = xsalsa20_with_prefix(self.key, self._prefix)
        self._masks = Masks(keys[48:KEY_BYTES])
        self._count = 0

    def next_nonce(self) -> bytes:
        self._count += 1
        return self._prefix + self._count.to_bytes(8)

    def mask(self, length: int) -> int:
        return length ^ int.from_bytes(self._masks.next_block()[:LENGTH_BYTES])


class Encoder(_Direction):
    """Seals packets into frames."""

    def encode(self, payload: bytes, *, padding: int = 0, kind: int = PAYLOAD) -> bytes:
        """Return a frame.

        :raises ValueError: when payload and padding do not fit.
        """
        if len(payload) + padding > PAYLOAD_BYTES:
            raise ValueError(f"a packet holds {PAYLOAD_BYTES} bytes")
        packet = PACKET_HEAD.pack(kind, len(payload)) + payload + bytes(padding)
        box = seal(self.stream, self.key, self.next_nonce(), packet)
        return self.mask(len(box)).to_bytes(LENGTH_BYTES) + box


class Decoder(_Direction):
    """Opens frames."""

    def __init__(self, keys: bytes) -> None:
        """Begin with 72 bytes of keys."""
        super().__init__(keys)
        self._buffer = bytearray()
        self._length: int | None = None

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        self._buffer += data

    def next_packet(self) -> Packet | None:
        """Return the next packet, ``None`` until more bytes are there.

        :raises TorError: when a frame was not sealed with the key: the stream is of no more use.
        """
        if self._length is None:
            if len(self._buffer) < LENGTH_BYTES:
                return None
            self._length = self.mask(int.from_bytes(self._buffer[:LENGTH_BYTES]))
            del self._buffer[:LENGTH_BYTES]
        if not TAG_BYTES + PACKET_HEAD.size <= self._length <= SEGMENT_BYTES - LENGTH_BYTES:
            raise TorError("a frame of a length that no frame has")
        if len(self._buffer) < self._length:
            return None
        box = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        self._length = None
        try:
            packet = unseal(self.stream, self.key, self.next_nonce(), box)
        except BadTagError as exc:
            raise TorError("a frame that was not sealed with the key") from exc
        kind, length = PACKET_HEAD.unpack_from(packet)
        if PACKET_HEAD.size + length > len(packet):
            raise TorError("a packet that is longer than its frame")
        return Packet(kind, packet[PACKET_HEAD.size : PACKET_HEAD.size + length])
