"""KCP between two ends: whatever the line loses, doubles or turns around, the bytes come out as they went in."""

from __future__ import annotations

import struct
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.turbotunnel.kcp import (
    ACK,
    ASK,
    HEAD_BYTES,
    MOST_SENT,
    PUSH,
    TELL,
    DeadLinkError,
    Kcp,
)

CONVERSATION = 0x01020304


def pair(packet_bytes: int = 120, window: int = 64) -> tuple[Kcp, Kcp]:
    return (
        Kcp(CONVERSATION, packet_bytes=packet_bytes, window=window),
        Kcp(CONVERSATION, packet_bytes=packet_bytes, window=window),
    )


def segment(command: int, *, number: int = 0, una: int = 0, window: int = 64, data: bytes = b"") -> bytes:
    return struct.pack("<IBBHIIII", CONVERSATION, command, 0, window, 0, number, una, len(data)) + data


def commands(packets: list[bytes]) -> list[int]:
    """Return the first command of each packet."""
    return [packet[4] for packet in packets]


def test_the_head_of_a_segment() -> None:
    ours, _ = pair()
    ours.send(b"hello")
    (packet,) = ours.packets(1.5)
    assert packet == bytes.fromhex("04030201 51 00 4000 dc050000 00000000 00000000 05000000") + b"hello"


def test_what_arrived_is_acknowledged_with_its_stamp() -> None:
    ours, theirs = pair()
    ours.send(b"hello")
    theirs.feed(ours.packets(1.5)[0], 2.0)
    assert theirs.take() == b"hello"
    assert theirs.packets(2.0) == []
    assert theirs.next_due(2.0) == pytest.approx(0.1)
    (packet,) = theirs.packets(2.1)
    assert packet == bytes.fromhex("04030201 52 00 4000 dc050000 00000000 01000000 00000000")
    ours.feed(packet, 2.5)
    assert ours.unacknowledged == 0
    assert ours.next_due(2.5) is None


def test_an_acknowledgement_goes_with_data() -> None:
    ours, theirs = pair()
    ours.send(b"hello")
    theirs.feed(ours.packets(1.5)[0], 2.0)
    theirs.send(b"you")
    (packet,) = theirs.packets(2.0)
    assert [packet[4], packet[HEAD_BYTES + 4]] == [ACK, PUSH]
    assert theirs.packets(2.1) == []


def test_what_is_lost_is_sent_again_later_each_time() -> None:
    ours, theirs = pair()
    ours.send(b"hello")
    assert len(ours.packets(0.0)) == 1
    assert ours.next_due(0.0) == pytest.approx(0.225)
    assert ours.packets(0.2) == []
    (again,) = ours.packets(0.23)
    theirs.feed(again, 0.23)
    assert theirs.take() == b"hello"
    assert ours.next_due(0.23) == pytest.approx(0.4)


def test_a_peer_that_is_gone() -> None:
    ours, _ = pair()
    ours.send(b"hello")
    now = 0.0
    for _ in range(MOST_SENT):
        assert len(ours.packets(now)) == 1
        now += ours.next_due(now) or 0.0
    with pytest.raises(DeadLinkError):
        ours.packets(now)


def test_no_more_flies_than_the_peer_has_room_for() -> None:
    ours, _ = pair(packet_bytes=HEAD_BYTES + 1)
    ours.send(bytes(100))
    assert len(ours.packets(0.0)) == 32  # until it says otherwise
    ours.feed(segment(ACK, number=0, una=32, window=3), 0.1)
    assert len(ours.packets(0.1)) == 3


def test_a_peer_without_room_is_asked_now_and_then() -> None:
    ours, theirs = pair()
    ours.feed(segment(TELL, window=0), 0.0)
    ours.send(b"hello")
    assert ours.packets(0.0) == []
    assert ours.next_due(0.0) == pytest.approx(0.5)
    (asked,) = ours.packets(0.6)
    assert commands([asked]) == [ASK]
    theirs.feed(asked, 0.7)
    (told,) = theirs.packets(0.7)
    assert commands([told]) == [TELL]
    ours.feed(told, 0.8)
    assert commands(ours.packets(0.8)) == [PUSH]


@pytest.mark.parametrize(
    "packet",
    [
        b"\0",
        bytes(HEAD_BYTES),
        segment(80),
        segment(85),
        segment(PUSH, data=b"hello")[:-1],
        segment(PUSH) + b"rest",
    ],
)
def test_what_is_no_packet(packet: bytes) -> None:
    ours, _ = pair()
    with pytest.raises(TorError):
        ours.feed(packet, 0.0)
    assert ours.take() == b""


def test_segments_beyond_the_window_are_not_kept() -> None:
    ours, _ = pair(window=4)
    ours.feed(segment(PUSH, number=4, data=b"far"), 0.0)
    assert ours.packets(0.0) == []


def test_acknowledgements_of_what_was_never_sent_change_nothing() -> None:
    ours, _ = pair()
    ours.send(b"hello")
    ours.packets(0.0)
    ours.feed(segment(ACK, number=7, una=9), 0.0)
    assert ours.unacknowledged == 5


def test_no_room_at_all() -> None:
    with pytest.raises(ValueError, match="no room"):
        Kcp(1, packet_bytes=HEAD_BYTES)


@given(st.binary(max_size=400))
def test_any_bytes(packet: bytes) -> None:
    ours, _ = pair()
    ours.send(b"hello")
    with suppress(TorError):
        ours.feed(packet, 0.0)
    ours.packets(0.0)


@settings(deadline=None, max_examples=40)
@given(st.integers(), st.binary(max_size=6000), st.binary(max_size=6000), st.floats(0, 0.4))
def test_a_line_that_loses_doubles_and_turns_around(seed: int, up: bytes, down: bytes, loss: float) -> None:
    chance = Random(seed)
    ends = pair()
    ends[0].send(up)
    ends[1].send(down)
    arrived = bytearray(), bytearray()
    now = 1.0
    for _ in range(2000):
        for one, other in ((0, 1), (1, 0)):
            packets = ends[one].packets(now)
            chance.shuffle(packets)
            for packet in packets:
                for _ in range(1 + (chance.random() < loss)):
                    if chance.random() >= loss:
                        ends[other].feed(packet, now)
            arrived[other].extend(ends[other].take())
        if bytes(arrived[1]) == up and bytes(arrived[0]) == down:
            return
        due = [time for end in ends if (time := end.next_due(now)) is not None]
        now += max(min(due, default=0.0), 0.01)
    raise AssertionError("the bytes never arrived")
