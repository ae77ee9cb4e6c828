"""Reassembly: whatever order the segments come in, and however they overlap, the bytes are those that were sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.stream import LIMIT, MOST_EARLY, Stream, distance


@given(st.integers(0, 2**32 - 1), st.integers(-(2**31) + 1, 2**31 - 1))
def test_distances_survive_the_wrap(start: int, steps: int) -> None:
    assert distance((start + steps) % 2**32, start) == steps


@given(st.binary(min_size=1, max_size=300), st.integers(0, 2**32 - 1), st.data())
def test_any_order_and_any_overlap(content: bytes, start: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.tuples(st.integers(0, len(content)), st.integers(0, 40)), max_size=30))
    pieces = [(begin, content[begin : begin + length]) for begin, length in cuts]
    pieces += [(begin, content[begin : begin + 25]) for begin in range(0, len(content), 25)]
    stream = Stream()
    stream.open(start - 1)
    for begin, piece in data.draw(st.permutations(pieces)):
        if piece:
            stream.add((start + begin) % 2**32, piece)
    assert bytes(stream.data) == content


def test_fresh_is_what_was_never_sent_before() -> None:
    stream = Stream()
    stream.open(99)
    assert stream.add(100, b"abc")
    assert not stream.add(100, b"abc")
    assert stream.add(101, b"bcd")
    assert stream.add(110, b"later")
    assert not stream.add(104, b"e")  # fills a gap that others already passed
    assert bytes(stream.data) == b"abcde"


def test_without_a_syn_the_first_segment_is_the_beginning() -> None:
    stream = Stream()
    stream.add(5000, b"ab")
    stream.add(5002, b"cd")
    assert bytes(stream.data) == b"abcd"
    assert not stream.begins_at(5000)


def test_bounds() -> None:
    stream = Stream()
    stream.open(0)
    for number in range(2 * MOST_EARLY):
        stream.add(1000 + 2 * number, b"x")
    stream.add(2**20, b"far away")
    assert not stream.data
    for number in range(LIMIT // 1000 + 5):
        stream.add(1 + 1000 * number, bytes(1000))
    assert len(stream.data) == LIMIT
    assert stream.full
