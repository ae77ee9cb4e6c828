"""The reader against Google's own library, and against anything at all."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.protobuf import LARGEST, Message, ProtobufError, write_empty, write_varint
from tests.satellite import messages

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(
    drop=FLOATS,
    sats=st.integers(0, 2**32 - 1),
    code=st.integers(0, 2**31 - 1),
    stowed=st.booleans(),
)
def test_what_the_library_wrote_is_read(drop: float, sats: int, code: int, stowed: bool) -> None:
    data = messages.status(
        pop_ping_drop_rate=drop, gps_stats={"gps_sats": sats}, disablement_code=code, stow_requested=stowed
    )
    status = Message(data).message(2004)
    assert status is not None
    assert (status.real(1003) or 0.0) == pytest.approx(drop)
    gps = status.message(1015)
    assert gps is not None
    assert (gps.integer(2) or 0) == sats
    assert (status.integer(1024) or 0) == code
    assert bool(status.flag(1010)) == stowed


@given(st.lists(FLOATS, max_size=50))
def test_packed_numbers(values: list[float]) -> None:
    ring = Message(messages.history(values)).message(2006)
    assert ring is not None
    assert ring.reals(1001) == pytest.approx(values)


def test_numbers_that_are_not_packed_are_read_too() -> None:
    one = write_varint(1001 << 3 | 5)
    assert Message(one + b"\0\0\x80\x3f" + one + b"\0\0\0\x40").reals(1001) == [1.0, 2.0]


@given(st.binary(max_size=300))
def test_any_bytes_are_a_message_or_the_documented_error(data: bytes) -> None:
    try:
        message = Message(data)
    except ProtobufError:
        return
    for number in range(1, 20):
        message.integer(number)
        message.flag(number)
        real = message.real(number)
        assert real is None or math.isfinite(real)
        message.reals(number)
        message.message(number)


@given(st.integers(0, 2**64 - 1))
def test_numbers_of_any_size(value: int) -> None:
    assert Message(write_varint(1 << 3) + write_varint(value)).integer(1) == value


def test_a_field_of_another_type_is_not_there() -> None:
    text = write_varint(7 << 3 | 2) + b"\x02\xff\xff"
    message = Message(text)
    assert message.integer(7) is None
    assert message.real(7) is None
    assert 7 in message
    assert message.message(7) is None


def test_the_last_value_counts_and_not_numbers_are_none() -> None:
    assert Message(b"\x08\x01\x08\x02").integer(1) == 2
    assert Message(write_varint(3 << 3 | 5) + b"\0\0\xc0\x7f").real(3) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x08" + b"\xff" * 11,
        b"\x0a\x05abc",
        b"\x0b",
        b"\x00\x01",
        b"\x0d\x00",
        b"\0" * (LARGEST + 1),
        b"\x08\x01" * 20_001,
    ],
)
def test_what_is_no_message(data: bytes) -> None:
    with pytest.raises(ProtobufError):
        Message(data)


@pytest.mark.parametrize(("number", "name"), [(1004, "get_status"), (1007, "get_history")])
def test_the_requests_are_those_that_the_library_reads(number: int, name: str) -> None:
    assert messages.requested(write_empty(number)) == name
