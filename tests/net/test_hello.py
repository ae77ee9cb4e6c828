"""A ClientHello taken apart and cut: it stays the same handshake, whatever its records and segments."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.hello import (
    LONGEST_RECORD,
    HelloCut,
    HelloError,
    cut_flight,
    message_of_records,
    parse_hello,
    split_record,
)
from tests.net.hellos import make_hello, record

NAME = "blocked.example"
HELLO = make_hello(extensions=(0, 16, 43, 13), name=NAME, signatures=(0x0403,))
SIZES = st.lists(st.integers(1, 600), max_size=5).map(tuple)


def test_the_name_is_found_where_it_stands() -> None:
    hello = parse_hello(HELLO)
    assert hello.name == NAME
    assert hello.name_span is not None
    assert HELLO[slice(*hello.name_span)] == NAME.encode()
    assert parse_hello(make_hello(extensions=(16,))).name is None


@given(records=SIZES, segments=SIZES, size=st.none() | st.integers(1, 50), in_name=st.booleans())
def test_a_cut_flight_says_the_same(
    records: tuple[int, ...], segments: tuple[int, ...], size: int | None, in_name: bool
) -> None:
    cut = HelloCut(records=records, segments=segments, segment_size=size, segments_in_name=in_name)
    pieces = cut_flight(record(HELLO), cut)
    assert all(pieces)
    assert message_of_records(b"".join(pieces)) == HELLO


def test_no_piece_holds_the_whole_name() -> None:
    flight = record(HELLO)
    for cut in (
        HelloCut(segments_in_name=True),
        HelloCut(records=(20,), segments_in_name=True),
        HelloCut(segment_size=1),
    ):
        pieces = cut_flight(flight, cut)
        assert len(pieces) > 1
        assert not any(NAME.encode() in piece for piece in pieces)
    (piece,) = cut_flight(flight, HelloCut(records_in_name=True))
    assert NAME.encode() not in piece


def test_the_last_size_repeats() -> None:
    parts = split_record(record(bytes(10)), (4, 3))
    assert parts == b"".join(
        b"\x16\x03\x01" + len(piece).to_bytes(2) + piece for piece in (bytes(4), bytes(3), bytes(3))
    )


def test_a_hello_behind_a_change_cipher_spec_is_cut_too() -> None:
    """The second ClientHello after a HelloRetryRequest has the name once more."""
    compatibility = b"\x14\x03\x03\x00\x01\x01"
    pieces = cut_flight(compatibility + record(HELLO), HelloCut(segments_in_name=True))
    assert len(pieces) == 2
    assert b"".join(pieces) == compatibility + record(HELLO)


@pytest.mark.parametrize(
    "flight", [b"", b"\x17\x03\x03\x00\x01x", b"\x16\x03\x03\x00\x04\x0b\x00\x00\x00", b"GET / "]
)
def test_what_is_no_hello_stays_whole(flight: bytes) -> None:
    assert cut_flight(flight, HelloCut(segment_size=1)) == [flight]


def test_impossible_cuts_are_refused() -> None:
    for wrong in (
        {"records": (0,)},
        {"segments": (-1,)},
        {"segment_size": 0},
        {"records": (LONGEST_RECORD + 1,)},
    ):
        with pytest.raises(ValueError, match=r"begin at 1|at most"):
            HelloCut(**wrong)


@given(st.binary(max_size=400))
def test_garbage_raises_only_its_error(data: bytes) -> None:
    for parse in (parse_hello, message_of_records):
        try:
            parse(data)
        except HelloError:
            continue
    assert b"".join(cut_flight(data, HelloCut(segments_in_name=True))) == data
