"""Lengths and ids on the wire, on any input."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.framing import Deframer, belongs, frame, message_id, with_id
from circumvent.names.message import make_query
from circumvent.net.errors import PeerError

MESSAGES = st.lists(st.binary(min_size=12, max_size=300), max_size=6)


@given(MESSAGES, st.data())
def test_a_stream_cut_anywhere_gives_the_same_messages(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(frame, messages))
    deframer, found = Deframer(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += deframer.feed(stream[:size])
        stream = stream[size:]
    assert found == messages
    assert deframer.partial == 0


@given(st.binary(max_size=2000))
def test_garbage_raises_peer_error_only(data: bytes) -> None:
    deframer = Deframer()
    with suppress(PeerError):
        deframer.feed(data)
    assert deframer.partial <= len(data)


def test_a_web_page_is_not_dns() -> None:
    with pytest.raises(PeerError, match="not DNS"):
        Deframer().feed(b"HTTP/1.1 302 Found\r\n")


@given(st.binary(min_size=12, max_size=100), st.integers(0, 0xFFFF))
def test_an_id_is_replaced_and_nothing_else(message: bytes, identifier: int) -> None:
    assert message_id(with_id(message, identifier)) == identifier
    assert with_id(message, identifier)[2:] == message[2:]


class TestBelongs:
    QUERY = make_query("Control.Example", "A", random=random.Random(1)).wire

    def answer(self, **changes: bytes) -> bytes:
        wire = bytearray(self.QUERY)
        wire[2] |= 0x80
        for place, data in changes.items():
            at = int(place[1:])
            wire[at : at + len(data)] = data
        return bytes(wire)

    def test_the_same_question_in_other_letters_belongs(self) -> None:
        assert belongs(self.QUERY, self.answer(_13=b"cONTROL")) is None

    def test_a_refusal_may_come_without_the_question(self) -> None:
        assert belongs(self.QUERY, self.QUERY[:2] + b"\x80\x05" + bytes(8)) is None

    @pytest.mark.parametrize(
        ("wire", "error"),
        [
            ({"_0": b"\xff\xff"}, "dns_reply_with_wrong_query_id"),
            ({"_13": b"another"}, "wrong_answer"),
            ({"_4": b"\0\2"}, "wrong_answer"),
            ({"_4": b"\0\0"}, "wrong_answer"),
            ({"_2": b"\1"}, "wrong_answer"),
        ],
    )
    def test_anything_else_does_not(self, wire: dict[str, bytes], error: str) -> None:
        problem = belongs(self.QUERY, self.answer(**wire))
        assert problem is not None
        assert problem.error == error

    @given(st.binary(max_size=64))
    def test_garbage_never_raises(self, data: bytes) -> None:
        problem = belongs(self.QUERY, data)
        assert problem is None or isinstance(problem, PeerError)
