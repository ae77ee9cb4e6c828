"""Recordings are what tcpdump's format says."""

from __future__ import annotations

import io
import struct

from circumvent.lab.flow import DOWN, UP
from circumvent.lab.pcap import PcapWriter


def test_a_recording() -> None:
    file = io.BytesIO()
    writer = PcapWriter(file)
    writer.tap(0.0, UP, b"\x45first")
    writer.tap(12.5, DOWN, b"\x60second")
    raw = file.getvalue()
    assert struct.unpack_from("=IHHiIII", raw) == (0xA1B23C4D, 2, 4, 0, 0, 65535, 101)
    assert struct.unpack_from("=IIII", raw, 24) == (0, 0, 6, 6)
    assert raw[40:46] == b"\x45first"
    assert struct.unpack_from("=IIII", raw, 46) == (12, 500_000_000, 7, 7)
    assert raw[62:] == b"\x60second"
