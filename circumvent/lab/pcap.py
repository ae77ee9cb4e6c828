"""Packets to a file that Wireshark and tcpdump read: pcap, link type RAW (tcpdump.org, LINKTYPE_RAW)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from circumvent.lab.flow import Direction

_MAGIC_NANOSECONDS: Final = 0xA1B23C4D
_LINK_TYPE_RAW: Final = 101
_SNAPSHOT_LENGTH: Final = 65535
#: No bytes are held back longer than these: a recording that ends by a signal is whole up to there.
_FLUSH_AFTER: Final = 64


class PcapWriter:
    """Writes one file. Times are seconds since the wire was opened."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting = 0
        file.write(struct.pack("=IHHiIII", _MAGIC_NANOSECONDS, 2, 4, 0, 0, _SNAPSHOT_LENGTH, _LINK_TYPE_RAW))
        file.flush()

    def tap(self, now: float, direction: Direction, packet: bytes) -> None:  # noqa: ARG002 - part of Tap
        """Write one packet."""
        seconds = int(now)
        nanoseconds = min(int((now - seconds) * 1e9), 999_999_999)
        self._file.write(struct.pack("=IIII", seconds, nanoseconds, len(packet), len(packet)) + packet)
        self._waiting += 1
        if self._waiting >= _FLUSH_AFTER:
            self._file.flush()
            self._waiting = 0
