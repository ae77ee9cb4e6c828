"""Policing drops what is too much, shaping delays it; uploads alone, by server, by flow."""

from __future__ import annotations

import pytest

from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from circumvent.lab.shaping import Police, Shape, Share
from tests.lab_engine.talk import Net, Tcp


def net(action: object) -> Net:
    return Net(Blocking(name="slow", when=AnyPacket(), then=action, scope=Scope(protocols=("tcp",))))  # type: ignore[arg-type]  # actions


def through(tcp: Tcp, direction: Direction, seconds: float = 10) -> float:
    """Bytes a second that pass when a packet of 1000 bytes comes every millisecond."""
    passed = 0
    for _ in range(int(seconds * 1000)):
        outcome = tcp.up(bytes(960)) if direction is UP else tcp.down(bytes(960))
        passed += sum(len(packet.raw) for packet in outcome.passed)
    return passed / seconds


@pytest.mark.parametrize("direction", [UP, DOWN])
def test_policing_to_a_rate(family: int, direction: Direction) -> None:
    tcp = Tcp(net(Police(rate=17500, burst=10000)), family=family)
    assert 17500 <= through(tcp, direction) <= 19000


def test_policing_leaves_slow_ones_alone(family: int) -> None:
    slow = net(Police(rate=17500, burst=10000))
    tcp = Tcp(slow, family=family)
    for _ in range(100):
        slow.now += 0.1
        assert tcp.up(bytes(960)).untouched
    assert slow.fired("slow") == 0


def test_uploads_alone(family: int) -> None:
    tcp = Tcp(net(Police(rate=10000, directions=(UP,))), family=family)
    assert through(tcp, UP) < 12000
    assert through(tcp, DOWN) > 900000


@pytest.mark.parametrize(
    ("share", "shared"), [(Share.FLOW, False), (Share.SERVER, True), (Share.CLIENT, True), (Share.ALL, True)]
)
def test_what_shares_an_allowance(family: int, share: Share, shared: bool) -> None:
    slow = net(Police(rate=10, burst=3000, share=share))
    first, second = Tcp(slow, family=family), Tcp(slow, family=family, client_port=40001)
    assert [first.up(bytes(800)).untouched for _ in range(4)] == [True, True, True, False]
    assert second.up(bytes(800)).untouched is not shared


def test_shaping_delays_and_then_drops(family: int) -> None:
    slow = net(Shape(rate=10000, patience=0.5))
    tcp = Tcp(slow, family=family)
    outcomes = [tcp.up(bytes(940 if family == 6 else 960)) for _ in range(10)]
    delays = [outcome.delay for outcome in outcomes if outcome.passed]
    assert len(delays) == 6
    assert delays == sorted(delays)
    assert delays[0] == pytest.approx(0.1)
    slow.now += 2
    assert tcp.up(b"").delay < 0.01


def test_other_directions_of_shaping(family: int) -> None:
    slow = net(Shape(rate=10, directions=(DOWN,)))
    opened_one = Tcp(slow, family=family)
    assert all(opened_one.up(bytes(900)).untouched for _ in range(5))
