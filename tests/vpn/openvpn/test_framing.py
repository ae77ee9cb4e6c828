"""What stands around packets: what goes in comes out, nothing raises but the documented error."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.framing import EXIT, OCC, PING, Compression, FramingError, frame, unframe

FRAMINGS = pytest.mark.parametrize("compression", Compression)


@FRAMINGS
@given(packet=st.binary(min_size=1, max_size=60))
def test_what_is_framed_is_unframed(compression: Compression, packet: bytes) -> None:
    assert unframe(frame(packet, compression), compression) == packet


@FRAMINGS
@given(data=st.binary(max_size=60))
def test_any_octets_are_a_packet_or_an_error(compression: Compression, data: bytes) -> None:
    with suppress(FramingError):
        unframe(data, compression)


def test_layouts() -> None:
    assert frame(b"Eabc", Compression.LZO) == b"\xfaEabc"
    assert frame(b"Eabc", Compression.STUB) == b"\xfbabcE"
    assert frame(b"Eabc", Compression.STUB_V2) == b"Eabc"
    assert frame(b"Pabc", Compression.STUB_V2) == b"\x50\x00Pabc"


@pytest.mark.parametrize(
    ("data", "compression", "packet"),
    [
        (b"\x66\x15Eabc\x11\x00\x00", Compression.LZO, b"Eabc"),
        (b"\x69Eabc\x40", Compression.STUB, b"Eabc"),
        (b"\x50\x01\x40Eabc", Compression.STUB_V2, b"Eabc"),
    ],
)
def test_compressed_packets_are_read(data: bytes, compression: Compression, packet: bytes) -> None:
    assert unframe(data, compression) == packet


@pytest.mark.parametrize(
    ("data", "compression"),
    [
        (b"\x66abc", Compression.LZO),
        (b"\x00abc", Compression.LZO),
        (b"\x69abc", Compression.STUB),
        (b"\x00abc", Compression.STUB),
        (b"\x50\x01abc", Compression.STUB_V2),
        (b"\x50\x07abc", Compression.STUB_V2),
    ],
)
def test_broken_packets_are_not(data: bytes, compression: Compression) -> None:
    with pytest.raises(FramingError):
        unframe(data, compression)


def test_the_two_magic_packets() -> None:
    assert len(PING) == len(OCC) == 16
    assert EXIT == OCC + b"\x06"
