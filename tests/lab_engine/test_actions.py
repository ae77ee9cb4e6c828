"""Actions: what a kernel would believe, and what is never answered."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Deny, Drop, Finish, Hold, Lose, Refuse, Reset, TurnIntoReset
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN, UP
from circumvent.lab.packet import ACK, FIN, PSH, RST, SYN
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Window
from tests.lab_engine.talk import Net, Tcp, Udp, opened


def late(action: object) -> Blocking:
    """A rule that acts on everything from second 10 on."""
    return Blocking(name="act", when=AnyPacket(), then=action, windows=(Window(begin=10),))  # type: ignore[arg-type]  # actions


def established(action: object, family: int) -> Tcp:
    tcp = opened(Net(late(action)), family=family)
    tcp.net.now = 10
    return tcp


@pytest.mark.parametrize("drop", [False, True])
def test_numbers_of_resets_to_both_sides(family: int, drop: bool) -> None:
    tcp = established(Reset(to_server=True, drop=drop), family)
    begin, acknowledged = tcp.up_next, tcp.down_next
    outcome = tcp.up(b"twelve bytes")
    (client,), (server,) = outcome.to_client, outcome.to_server
    assert bool(outcome.passed) is not drop
    # What the client waits for is what it acknowledged.
    assert (client.sequence, client.acknowledgment, client.flags) == (acknowledged, tcp.up_next, RST | ACK)
    # What the server waits for comes after the packet, or is the packet if that never arrives.
    assert server.sequence == (begin if drop else tcp.up_next)
    assert (client.sender, client.receiver) == (tcp.ends[1], tcp.ends[0])
    assert (server.sender, server.receiver) == tcp.ends


def test_numbers_when_the_server_sent_it(family: int) -> None:
    tcp = established(Reset(to_server=True), family)
    outcome = tcp.down(b"answer")
    (client,), (server,) = outcome.to_client, outcome.to_server
    assert client.sequence == tcp.down_next
    assert server.sequence == tcp.up_next
    assert client.sender == tcp.ends[1]


def test_marks_of_a_device(family: int) -> None:
    tcp = established(
        Reset(copies=3, payload=bytes(10), window=502, hop_limit=33, identification=0x3412), family
    )
    packets = tcp.up(b"x").to_client
    assert len(packets) == 3
    for packet in packets:
        assert (packet.payload, packet.window, packet.hop_limit) == (bytes(10), 502, 33)
        assert packet.identification == (0x3412 if family == 4 else 0)


def test_resets_are_not_answered_with_resets(family: int) -> None:
    tcp = established(Reset(to_server=True), family)
    assert tcp.up(flags=RST).untouched
    assert Udp(tcp.net, family=family).up(b"x").untouched
    dropping = established(Reset(drop=True), family)
    assert dropping.up(flags=RST).silence


def test_drop_in_one_direction_after_some_packets(family: int) -> None:
    tcp = established(Drop(directions=(UP,), spare=3), family)
    assert [tcp.up(b"x").silence for _ in range(5)] == [False, False, False, True, True]
    assert tcp.down(b"x").untouched


def test_lose_a_part(family: int) -> None:
    udp = Udp(Net(late(Lose(fraction=0.3, directions=(DOWN,)))), family=family)
    udp.net.now = 10
    assert 230 < sum(udp.down(b"x").silence for _ in range(1000)) < 370
    assert not any(udp.up(b"x").silence for _ in range(100))


def test_hold(family: int) -> None:
    tcp = established(Hold(seconds=0.25, directions=(UP,)), family)
    assert tcp.up(b"x").delay == 0.25
    assert tcp.down(b"x").delay == 0


def test_finish_answers_data_and_fin_only(family: int) -> None:
    tcp = established(Finish(), family)
    assert tcp.up(flags=ACK).silence
    (fin,) = tcp.up(b"data").to_client
    assert (fin.flags, fin.sequence, fin.acknowledgment) == (ACK | FIN, tcp.down_next, tcp.up_next)
    assert tcp.up(flags=RST).silence
    assert tcp.down(b"data", flags=ACK | PSH).silence
    (last,) = tcp.up(flags=ACK | FIN).to_client
    assert last.flags == ACK


@pytest.mark.parametrize("action", [Refuse(), Deny()])
def test_the_world_gets_no_answer(family: int, action: object) -> None:
    tcp = established(action, family)
    assert tcp.down(b"x").silence
    assert tcp.up(flags=SYN).to_client


def test_turning_keeps_what_is_not_turned(family: int) -> None:
    tcp = established(TurnIntoReset(), family)
    assert tcp.up(b"x").untouched
    (packet,) = tcp.down(b"answer").passed
    assert (packet.flags, packet.payload) == (RST | ACK, b"")
