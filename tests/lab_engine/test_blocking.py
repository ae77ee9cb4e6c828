"""Blocking: residual penalties by every key, probability, duration, windows, marks; state is a flow's, not a rule's."""

from __future__ import annotations

from typing import Any

import pytest

from circumvent.lab.actions import Drop, Mark, Reset
from circumvent.lab.blocking import Blocking, Residual, ResidualKey
from circumvent.lab.names import Names
from circumvent.lab.packet import SYN
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.rules.tls import ClientHello, HelloWanted
from circumvent.lab.scope import Scope, Window
from tests.lab_engine.talk import Net, Tcp, client_hello, opened

LISTED = ClientHello(wanted=HelloWanted(names=Names(exact=("blocked.example",))))
TLS = Scope(protocols=("tcp",), ports=(443,))


def rule(key: ResidualKey | None = None, seconds: float = 90, **how: object) -> Blocking:
    residual = None if key is None else Residual(key=key, seconds=(seconds, seconds))
    fields: dict[str, object] = {
        "name": "sni",
        "scope": TLS,
        "when": LISTED,
        "then": Drop(),
        "residual": residual,
    }
    return Blocking(**(fields | how))  # type: ignore[arg-type]  # fields by name


def offend(net: Net, family: int, **how: object) -> None:
    assert opened(net, family=family, **how).up(client_hello()).silence


#: Each connection after the offence differs from it in one thing.
OTHERS: dict[str, dict[str, Any]] = {
    "same": {},
    "source port": {"client_port": 40001},
    "port": {"client_port": 40001, "server_port": 8443},
    "server": {"client_port": 40001, "server": {4: "198.51.100.11", 6: "2001:db8:100::11"}},
    "client": {"client_port": 40001, "client": {4: "10.78.0.3", 6: "fd78::3"}},
}


@pytest.mark.parametrize(
    ("key", "punished"),
    [
        (None, set()),
        (ResidualKey.FOUR_TUPLE, {"same"}),
        (ResidualKey.CLIENT_SERVER_PORT, {"same", "source port"}),
        (ResidualKey.CLIENT_SERVER, {"same", "source port", "port"}),
        (ResidualKey.CLIENT, {"same", "source port", "port", "server"}),
        (ResidualKey.SERVER_PORT, {"same", "source port", "client"}),
        (ResidualKey.SERVER, {"same", "source port", "port", "client"}),
    ],
)
@pytest.mark.parametrize("other", OTHERS)
def test_what_is_punished_after_an_offence(
    family: int, key: ResidualKey | None, punished: set[str], other: str
) -> None:
    residual = None if key is None else Residual(key=key, seconds=(90, 90), scope=Scope(protocols=("tcp",)))
    net = Net(rule(residual=residual))
    offend(net, family)
    how = {name: value[family] if isinstance(value, dict) else value for name, value in OTHERS[other].items()}
    next_one = Tcp(net, family=family, up_next=500, **how)
    assert next_one.up(flags=SYN).silence is (other in punished)


def test_the_penalty_keeps_to_the_scope_of_the_rule(family: int) -> None:
    net = Net(rule(ResidualKey.CLIENT))
    offend(net, family)
    assert Tcp(net, family=family, client_port=40001).up(flags=SYN).silence
    assert Tcp(net, family=family, client_port=40001, server_port=22).up(flags=SYN).untouched


def test_a_penalty_ends(family: int) -> None:
    net = Net(rule(ResidualKey.CLIENT_SERVER_PORT))
    offend(net, family)
    net.now += 89
    assert Tcp(net, family=family, client_port=40001).up(flags=SYN).silence
    net.now += 2
    opened(net, family=family, client_port=40002)


def test_a_penalty_that_is_renewed_does_not_end_while_it_is_tested(family: int) -> None:
    net = Net(rule(residual=Residual(key=ResidualKey.CLIENT, seconds=(60, 60), renew=True)))
    offend(net, family)
    for number in range(5):
        net.now += 50
        assert Tcp(net, family=family, client_port=40001 + number).up(flags=SYN).silence
    net.now += 61
    opened(net, family=family, client_port=40010)


def test_a_penalty_may_be_another_action(family: int) -> None:
    residual = Residual(key=ResidualKey.CLIENT_SERVER_PORT, seconds=(90, 90), then=Reset())
    net = Net(rule(residual=residual))
    offend(net, family)
    assert Tcp(net, family=family, client_port=40001).up(flags=SYN).to_client


def test_a_penalty_comes_with_a_probability(family: int) -> None:
    residual = Residual(key=ResidualKey.CLIENT_SERVER_PORT, seconds=(90, 90), probability=0.5)
    punished = 0
    for seed in range(200):
        net = Net(rule(residual=residual), seed=seed)
        offend(net, family)
        punished += Tcp(net, family=family, client_port=40001).up(flags=SYN).silence
    assert 70 < punished < 130


def test_probability_is_drawn_once_for_a_flow(family: int) -> None:
    net = Net(rule(probability=0.5), seed=3)
    outcomes = []
    for number in range(60):
        tcp = opened(net, family=family, client_port=41000 + number)
        start = tcp.up_next
        first = tcp.up(client_hello()).silence
        assert all(tcp.up(client_hello(), at=start).silence is first for _ in range(5))
        outcomes.append(first)
    assert 15 < sum(outcomes) < 45


def test_a_flow_may_be_forgiven(family: int) -> None:
    net = Net(rule(lasts=60))
    tcp = opened(net, family=family)
    assert tcp.up(client_hello()).silence
    net.now += 61
    assert tcp.down(b"answer").untouched


def test_windows(family: int) -> None:
    net = Net(Blocking(name="cut", when=AnyPacket(), then=Drop(), windows=(Window(begin=10, end=20),)))
    tcp = opened(net, family=family)
    net.now = 15
    assert tcp.up(b"x").silence
    net.now = 25
    assert tcp.up(b"x").untouched
    assert net.fired("cut") == 1


def test_marks_connect_rules(family: int) -> None:
    marking = rule(then=Mark(word="seen"))
    acting = Blocking(name="act", when=AnyPacket(), then=Drop(), scope=Scope(marked="seen"))
    net = Net(marking, acting)
    assert opened(net, family=family).up(client_hello("other.example")).untouched
    assert opened(net, family=family, client_port=40001).up(client_hello()).silence
    assert net.fired("sni") == 1


def test_one_rule_object_serves_two_censors(family: int) -> None:
    shared = rule(ResidualKey.CLIENT)
    offend(Net(shared), family)
    other = Net(shared)
    opened(other, family=family)
    assert other.fired("sni") == 0


def test_a_rule_fires_again_and_again(family: int) -> None:
    """State is per flow: the second flow that offends is hit as well as the first."""
    net = Net(rule())
    for number in range(5):
        offend(net, family, client_port=40000 + number)
    assert net.censor.counters["sni"].flows == 5


def test_penalties_last_for_some_time() -> None:
    with pytest.raises(ValueError, match="penalty"):
        Residual(key=ResidualKey.CLIENT, seconds=(0, 0))
