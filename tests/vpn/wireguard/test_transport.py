"""Data messages: what opens, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.packets import Echo, build, packed
from circumvent.vpn.wireguard import transport
from circumvent.vpn.wireguard.handshake import Keys
from circumvent.vpn.wireguard.transport import Replay, Session, TransportError

ONE, OTHER = bytes([1]) * 32, bytes([2]) * 32
PACKET = build(Echo(packed("10.9.0.2"), packed("10.9.0.1"), 1, 2, b"hello"))
SIX = build(Echo(packed("fd00::2"), packed("fd00::1"), 1, 2, b"hello"))


def pair(now: float = 0.0) -> tuple[Session, Session]:
    ours = Keys(send=ONE, receive=OTHER, local_index=7, remote_index=9)
    theirs = Keys(send=OTHER, receive=ONE, local_index=9, remote_index=7)
    return Session(ours, now), Session(theirs, now)


@pytest.mark.parametrize("packet", [PACKET, SIX, b""], ids=["ipv4", "ipv6", "keepalive"])
def test_a_packet_goes_across(packet: bytes) -> None:
    ours, theirs = pair()
    message = ours.seal(packet, 1.0)
    assert (len(message) - 32) % 16 == 0
    assert theirs.open(message, 1.0) == packet


def test_nothing_is_filled_up_beyond_the_mtu() -> None:
    ours, theirs = pair()
    message = ours.seal(PACKET, 0.0, len(PACKET))
    assert len(message) == len(PACKET) + 32
    assert theirs.open(message, 0.0) == PACKET


def test_each_message_opens_once() -> None:
    ours, theirs = pair()
    messages = [ours.seal(PACKET, 0.0) for _ in range(5)]
    for message in reversed(messages):
        assert theirs.open(message, 0.0) == PACKET
    for message in messages:
        with pytest.raises(TransportError, match="second time"):
            theirs.open(message, 0.0)


def test_what_does_not_authenticate_moves_nothing() -> None:
    ours, theirs = pair()
    message = ours.seal(PACKET, 0.0)
    forged = message[:8] + (10**9).to_bytes(8, "little") + message[16:]
    with pytest.raises(TransportError, match="authenticate"):
        theirs.open(forged, 0.0)
    assert theirs.open(message, 0.0) == PACKET


def test_keys_grow_old() -> None:
    ours, theirs = pair()
    message = ours.seal(PACKET, 0.0)
    assert not ours.stale(119.9)
    assert ours.stale(120.0)
    with pytest.raises(TransportError, match="too old"):
        ours.seal(PACKET, 180.0)
    with pytest.raises(TransportError, match="too late"):
        theirs.open(message, 180.0)


def test_messages_for_others_are_not_opened() -> None:
    ours, theirs = pair()
    message = ours.seal(PACKET, 0.0)
    for wrong in (b"\1" + message[1:], message[:4] + bytes(4) + message[8:], message[:31]):
        with pytest.raises(TransportError):
            theirs.open(wrong, 0.0)


@given(st.binary(max_size=100))
def test_arbitrary_bytes_do_not_open(data: bytes) -> None:
    with pytest.raises(TransportError):
        pair()[0].open(data, 0.0)


@given(st.lists(st.integers(0, 3 * transport.WINDOW), max_size=200))
def test_the_window_is_that_of_a_set(counters: list[int]) -> None:
    replay, seen, highest = Replay(), set(), -1
    for counter in counters:
        expected = counter not in seen and highest - counter < transport.WINDOW
        assert replay.new(counter) is expected
        if expected:
            replay.note(counter)
            seen.add(counter)
            highest = max(highest, counter)


def test_the_last_counters_are_never_used() -> None:
    assert not Replay().new(transport.REJECT_AFTER_MESSAGES)


def test_keys_are_not_shown() -> None:
    assert repr(ONE)[2:-1] not in repr(pair())
