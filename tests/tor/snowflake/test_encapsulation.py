"""Packets and padding in a stream."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.encapsulation import LONGEST_PACKET, Decapsulator, encapsulate


@pytest.mark.parametrize(
    ("length", "prefix"),
    [(0, "80"), (1, "81"), (63, "bf"), (64, "c040"), (1400, "ca78"), (LONGEST_PACKET, "d000")],
)
def test_lengths_as_short_as_can_be(length: int, prefix: str) -> None:
    """Numbers by the formats in the package's documentation (common/encapsulation)."""
    assert encapsulate(bytes(length)) == bytes.fromhex(prefix) + bytes(length)


def test_a_length_may_be_longer_than_it_must() -> None:
    assert Decapsulator().feed(bytes.fromhex("84") + b"abcd") == [b"abcd"]
    assert Decapsulator().feed(bytes.fromhex("c004") + b"abcd") == [b"abcd"]
    assert Decapsulator().feed(bytes.fromhex("c08004") + b"abcd") == [b"abcd"]


def test_padding_is_passed_over() -> None:
    stream = (
        bytes.fromhex("00 03") + b"xxx" + bytes.fromhex("82") + b"ab" + bytes.fromhex("4101") + bytes(129)
    )
    stream += bytes.fromhex("7fff7f") + bytes(0xFFFFF) + bytes.fromhex("81") + b"c"
    decapsulator = Decapsulator()
    found = [
        packet for at in range(0, len(stream), 1000) for packet in decapsulator.feed(stream[at : at + 1000])
    ]
    assert found == [b"ab", b"c"]


@pytest.mark.parametrize("data", ["c08080", "c0808004", "d001", "ffffff"])
def test_lengths_that_are_none(data: str) -> None:
    with pytest.raises(TorError):
        Decapsulator().feed(bytes.fromhex(data))


def test_no_packet_is_longer_than_a_packet() -> None:
    with pytest.raises(ValueError, match="no packet"):
        encapsulate(bytes(LONGEST_PACKET + 1))


@given(st.lists(st.binary(max_size=LONGEST_PACKET), max_size=8), st.integers(1, 500))
def test_pieces_of_any_size(packets: list[bytes], size: int) -> None:
    stream = b"".join(map(encapsulate, packets))
    decapsulator = Decapsulator()
    found = [one for at in range(0, len(stream), size) for one in decapsulator.feed(stream[at : at + size])]
    assert found == packets


@given(st.lists(st.binary(max_size=40)))
def test_any_bytes(pieces: list[bytes]) -> None:
    decapsulator = Decapsulator()
    with suppress(TorError):
        for piece in pieces:
            assert all(len(packet) <= LONGEST_PACKET for packet in decapsulator.feed(piece))
