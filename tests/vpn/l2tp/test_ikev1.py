"""The first message of Main Mode, and what answers it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.l2tp.ikev1 import Answer, Ikev1Error, first_message, parse_answer

COOKIE = b"ourcooki"


def answer(following: int, exchange: int, body: bytes, *, cookie: bytes = COOKIE, flags: int = 0) -> bytes:
    payload = struct.pack("!BBH", 0, 0, 4 + len(body)) + body
    head = struct.pack(
        "!8s8sBBBBII", cookie, b"theirs!!", following, 0x10, exchange, flags, 0, 28 + len(payload)
    )
    return head + payload


def test_the_first_message_is_laid_out_as_in_the_rfc() -> None:
    data = first_message(COOKIE)
    assert data[:8] == COOKIE
    assert data[8:16] == bytes(8)
    assert struct.unpack_from("!BBBBII", data, 16) == (1, 0x10, 2, 0, 0, len(data))
    assert struct.unpack_from("!II", data, 32) == (1, 1)
    count = data[47]
    position, seen = 48, 0
    while seen < count:
        more, _, length, number, kind, _ = struct.unpack_from("!BBHBBH", data, position)
        seen += 1
        assert (number, kind, more) == (seen, 1, 0 if seen == count else 3)
        position += length
    assert position == 28 + struct.unpack_from("!H", data, 30)[0]


def test_a_choice_and_an_error_are_told_apart() -> None:
    assert parse_answer(answer(1, 2, bytes(48)), COOKIE) == Answer(accepted=True)
    refusal = answer(11, 5, struct.pack("!IBBH", 1, 1, 0, 14))
    assert parse_answer(refusal, COOKIE) == Answer(accepted=False, error=14)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        first_message(COOKIE),
        answer(1, 2, bytes(8), cookie=b"another!"),
        answer(1, 2, bytes(8), flags=1),
        answer(1, 4, bytes(8)),
        answer(11, 5, bytes(4)),
        answer(11, 5, struct.pack("!IBBH", 1, 1, 0, 16384)),
        answer(1, 2, b"") + b"x",
        answer(1, 2, b"")[:30],
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(Ikev1Error):
        parse_answer(data, COOKIE)


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(following: int, exchange: int, data: bytes) -> None:
    for whole in (data, answer(following, exchange, data)):
        try:
            parse_answer(whole, COOKIE)
        except Ikev1Error:
            continue
