"""Packets in pieces, in any order; nothing raises but the documented error."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.fragment import MOST_PACKETS, WHOLE, FragmentError, Reassembly


def pieces(packet: bytes, size: int, packet_id: int) -> list[bytes]:
    """What a sender makes of a packet."""
    parts = [packet[start : start + size] for start in range(0, len(packet), size)]
    made = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        header = (2 | (size >> 2) << 15 if last else 1) | packet_id << 2 | number << 10
        made.append(struct.pack("!I", header) + part)
    return made


@given(st.lists(st.binary(min_size=9, max_size=100), min_size=1, max_size=5), st.integers(1, 2))
def test_pieces_become_packets(packets: list[bytes], units: int) -> None:
    reassembly = Reassembly()
    for number, packet in enumerate(packets):
        taken = [reassembly.take(piece) for piece in pieces(packet, 4 * units, number)]
        assert taken[-1] == packet
        assert set(taken[:-1]) <= {None}


def test_later_pieces_may_come_in_any_order_and_again() -> None:
    first, second, third = pieces(b"abcdefghij", 4, 7)
    reassembly = Reassembly()
    assert reassembly.take(first) is None
    assert reassembly.take(third) is None
    assert reassembly.take(third) is None
    assert reassembly.take(second) == b"abcdefghij"


def test_a_whole_packet_passes() -> None:
    assert Reassembly().take(WHOLE + b"abc") == b"abc"


def test_numbers_come_round_and_what_is_never_whole_is_forgotten() -> None:
    reassembly = Reassembly()
    for number in range(256):
        assert reassembly.take(pieces(b"abcdefgh", 4, number)[0]) is None
    assert len(reassembly._packets) == MOST_PACKETS
    first, last = pieces(b"ABCDEFGH", 4, 255)
    assert reassembly.take(first) is None
    assert reassembly.take(last) == b"ABCDEFGH"


@pytest.mark.parametrize("data", [b"", b"\0\0\0", struct.pack("!I", 3) + b"abc", struct.pack("!I", 1)])
def test_headers_that_are_none(data: bytes) -> None:
    with pytest.raises(FragmentError):
        Reassembly().take(data)


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_octets_are_pieces_or_an_error(data: list[bytes]) -> None:
    reassembly = Reassembly()
    for each in data:
        with suppress(FragmentError):
            reassembly.take(each)
