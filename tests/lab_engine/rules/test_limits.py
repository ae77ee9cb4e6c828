"""Amounts after which a flow is cut, and a limit on TLS connections."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN
from circumvent.lab.rules.limits import Amount, TooManyConnections
from tests.lab_engine.talk import Net, client_hello, opened


def test_a_freeze_after_16_kilobytes_from_the_server(family: int) -> None:
    rule = Blocking(name="cut", when=Amount(payload=16384, direction=DOWN), then=Drop(directions=(DOWN,)))
    tcp = opened(Net(rule), family=family)
    assert all(tcp.up(bytes(1000)).untouched for _ in range(40))
    outcomes = [tcp.down(bytes(1024)) for _ in range(20)]
    assert [outcome.untouched for outcome in outcomes] == [True] * 16 + [False] * 4
    assert tcp.up(b"hello?").untouched
    assert opened(tcp.net, family=family, client_port=40001).down(bytes(1024)).untouched


def test_packets_and_seconds(family: int) -> None:
    tcp = opened(Net(Blocking(name="cut", when=Amount(packets=5), then=Drop())), family=family)
    assert [tcp.up(b"x").silence for _ in range(4)] == [False, False, True, True]
    net = Net(Blocking(name="cut", when=Amount(seconds=30), then=Drop()))
    tcp = opened(net, family=family)
    net.now += 29
    assert tcp.up(b"x").untouched
    net.now += 2
    assert tcp.up(b"x").silence


def limit(**how: object) -> Blocking:
    trigger = TooManyConnections(limit=3, **how)  # type: ignore[arg-type]  # fields by name
    return Blocking(name="limit", when=trigger, then=Drop())


def dial(net: Net, family: int, port: int, name: str = "a.example", server: str | None = None) -> bool:
    """Open a connection; tell whether its ClientHello passed."""
    return opened(net, family=family, client_port=port, server=server).up(client_hello(name)).untouched


def test_the_fourth_connection_freezes_for_a_minute(family: int) -> None:
    net = Net(limit())
    assert [dial(net, family, 41000 + number) for number in range(5)] == [True, True, True, False, False]
    net.now += 30
    assert not dial(net, family, 42000)
    net.now += 60.1
    assert dial(net, family, 43000)


def test_slow_ones_other_names_and_other_networks_are_let_through(family: int) -> None:
    net = Net(limit())
    for number in range(8):
        assert dial(net, family, 41000 + number)
        net.now += 25
    net = Net(limit())
    assert all(dial(net, family, 41000 + number, f"name-{number}.example") for number in range(8))
    net = Net(limit())
    servers = [f"198.51.{number}.10" if family == 4 else f"2001:db8:{number}::10" for number in range(8)]
    assert all(dial(net, family, 41000 + number, server=server) for number, server in enumerate(servers))


def test_names_need_not_be_alike_if_so_configured(family: int) -> None:
    net = Net(limit(by_name=False))
    outcomes = [dial(net, family, 41000 + number, f"name-{number}.example") for number in range(5)]
    assert outcomes == [True, True, True, False, False]


def test_a_retransmitted_hello_counts_once(family: int) -> None:
    net = Net(limit())
    for number in range(3):
        tcp = opened(net, family=family, client_port=41000 + number)
        start = tcp.up_next
        assert all(tcp.up(client_hello("a.example"), at=start).untouched for _ in range(5))


def test_amounts_are_checked() -> None:
    with pytest.raises(ValueError, match="amount"):
        Amount()
    with pytest.raises(ValueError, match="limit"):
        TooManyConnections(limit=0)
