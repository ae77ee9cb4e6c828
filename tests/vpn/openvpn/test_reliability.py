"""Everything arrives once and in order, whatever the line does; time is an argument."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.packet import Opcode
from circumvent.vpn.openvpn.reliability import (
    FIRST_WAIT,
    GROWTH,
    LONGEST_WAIT,
    OVERTAKEN,
    RECEIVE_WINDOW,
    SEND_WINDOW,
    Receiver,
    Sender,
)


@given(st.integers(0, 2**32), st.integers(1, 20), st.floats(0, 0.6))
def test_a_line_that_loses_and_reorders_delivers_everything(seed: int, count: int, loss: float) -> None:
    chance = Random(seed)  # thousands of throws: too many for hypothesis to draw each
    sender, receiver = Sender(), Receiver()
    payloads = [bytes((number,)) for number in range(count)]
    waiting, received, now = list(payloads), [], 0.0
    for _ in range(3000):
        while waiting and sender.room:
            sender.queue(Opcode.CONTROL, waiting.pop(0))
        flight = [packet for packet in sender.due(now) if chance.random() >= loss]
        chance.shuffle(flight)
        for packet in flight:
            receiver.accept(packet.packet_id, packet.payload)
            received += receiver.take()
        while receiver.owes:
            acks = receiver.acks()
            if chance.random() >= loss:
                sender.acknowledge(acks, now + 0.01)
        if received == payloads and not sender.waiting:
            break
        now += 0.5
    assert received == payloads


def test_waits_grow_and_are_bounded() -> None:
    sender = Sender()
    sender.queue(Opcode.CONTROL, b"")
    now, waits = 0.0, []
    for _ in range(9):
        assert sender.due(now)
        following = sender.next_time()
        assert following is not None
        waits.append(following - now)
        now = following
    assert waits[:3] == pytest.approx([FIRST_WAIT, GROWTH * FIRST_WAIT, GROWTH**2 * FIRST_WAIT])
    assert waits[-1] == pytest.approx(LONGEST_WAIT)
    assert sender.repeated == 8


def test_a_round_trip_is_measured_on_what_was_sent_once() -> None:
    sender = Sender()
    sender.queue(Opcode.CONTROL, b"")
    sender.due(0.0)
    assert sender.acknowledge((0,), 0.25) == 0.25
    sender.queue(Opcode.CONTROL, b"")
    sender.due(1.0)
    sender.due(10.0)
    assert sender.acknowledge((1,), 10.1) is None


def test_what_was_overtaken_is_sent_again_at_once() -> None:
    sender = Sender()
    for _ in range(OVERTAKEN + 1):
        sender.queue(Opcode.CONTROL, b"")
    sender.due(0.0)
    sender.acknowledge(tuple(range(1, OVERTAKEN + 1)), 0.1)
    assert [packet.packet_id for packet in sender.due(0.1)] == [0]


def test_over_a_stream_nothing_is_sent_twice() -> None:
    sender = Sender(repeats=False)
    sender.queue(Opcode.CONTROL, b"")
    assert len(sender.due(0.0)) == 1
    assert sender.due(100.0) == []
    assert sender.next_time() is None


def test_the_window_is_bounded() -> None:
    sender = Sender()
    for _ in range(SEND_WINDOW):
        sender.queue(Opcode.CONTROL, b"")
    with pytest.raises(ValueError, match="full"):
        sender.queue(Opcode.CONTROL, b"")


def test_beyond_the_window_nothing_is_kept_or_acknowledged() -> None:
    receiver = Receiver()
    assert not receiver.accept(RECEIVE_WINDOW, b"")
    assert not receiver.owes
    assert receiver.accept(RECEIVE_WINDOW - 1, b"")
    assert receiver.take() == []


def test_acknowledgements_are_repeated_and_given_again_for_repetitions() -> None:
    receiver = Receiver()
    receiver.accept(0, b"")
    assert receiver.acks() == (0,)
    receiver.accept(1, b"")
    assert receiver.acks() == (1, 0)
    assert not receiver.owes
    assert not receiver.accept(0, b"")
    assert receiver.acks(1) == (0,)
