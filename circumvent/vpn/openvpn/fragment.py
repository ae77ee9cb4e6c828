"""Packets in pieces: the header that ``fragment`` puts before each, and how pieces become packets (OpenVPN ``fragment.h``).

A header of 32 bits: the kind (whole, a piece, the last piece), a number for the packet, a number for the piece, and in the
last piece how long the others are, in units of 4 octets. We send packets whole.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

#: Packets that are put together at once (``N_FRAG_BUF``); the header has no numbers for more than 32 pieces of one.
MOST_PACKETS: Final = 25
#: The header of a packet that is whole.
WHOLE: Final = bytes(4)

_HEADER: Final = struct.Struct("!I")
_KIND_WHOLE: Final = 0
_KIND_PIECE: Final = 1
_KIND_LAST: Final = 2


class FragmentError(ValueError):
    """A header that contradicts itself."""


@dataclass(slots=True)
class _Packet:
    """A packet of which pieces have come."""

    pieces: dict[int, bytes] = field(default_factory=dict)
    last: int | None = None

    def whole(self) -> bytes | None:
        """Return the packet if no piece is missing."""
        if self.last is None or any(number not in self.pieces for number in range(self.last + 1)):
            return None
        return b"".join(self.pieces[number] for number in range(self.last + 1))


class Reassembly:
    """Puts packets together; of too many the oldest is forgotten."""

    def __init__(self) -> None:
        self._packets: OrderedDict[int, _Packet] = OrderedDict()

    def take(self, data: bytes) -> bytes | None:
        """Take what was decrypted; return a packet if this made it whole.

        :raises FragmentError: when there is no header, or it contradicts itself.
        """
        if len(data) < _HEADER.size:
            raise FragmentError("no header")
        (header,) = _HEADER.unpack_from(data)
        kind, packet_id, number = header & 3, header >> 2 & 0xFF, header >> 10 & 0x1F
        piece = data[_HEADER.size :]
        if kind == _KIND_WHOLE:
            return piece
        if kind not in (_KIND_PIECE, _KIND_LAST) or (kind == _KIND_PIECE and not piece):
            raise FragmentError("another kind of header")
        if kind == _KIND_PIECE and number == 0:
            self._packets.pop(packet_id, None)  # the numbers have come round
        packet = self._packets.setdefault(packet_id, _Packet())
        packet.pieces[number] = piece
        if kind == _KIND_LAST:
            packet.last = number
        whole = packet.whole()
        if whole is not None:
            del self._packets[packet_id]
        elif len(self._packets) > MOST_PACKETS:
            self._packets.popitem(last=False)
        return whole
