"""Blocks of endpoints: by address, port, protocol and family; drop, refuse, ICMP; SYN and SYN/ACK."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Deny, Drop, Refuse, Reset, TurnIntoReset
from circumvent.lab.blocking import Blocking
from circumvent.lab.icmp import Unreachable
from circumvent.lab.packet import ACK, ICMP, ICMPV6, RST, SYN
from circumvent.lab.rules.endpoint import AnyPacket, Syn, SynAck
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import SERVERS, Net, Tcp, Udp, opened

BOTH_SERVERS = (f"{SERVERS[4]}/32", f"{SERVERS[6]}/128")
ELSEWHERE = {4: "198.51.100.11", 6: "2001:db8:100::11"}


def block(then: object, **scope: object) -> Blocking:
    return Blocking(name="block", when=AnyPacket(), then=then, scope=Scope(**scope))  # type: ignore[arg-type]  # by name


def test_an_address_is_dropped_and_its_neighbour_is_not(family: int) -> None:
    net = Net(block(Drop(), servers=BOTH_SERVERS))
    assert Tcp(net, family=family).up(flags=SYN).silence
    assert Udp(net, family=family).up(b"x").silence
    opened(net, family=family, server=ELSEWHERE[family])


@pytest.mark.parametrize(("scope", "hit"), [({"ports": (443,)}, True), ({"ports": ("400-442", 444)}, False)])
def test_ports(family: int, scope: dict[str, object], hit: bool) -> None:
    assert Tcp(Net(block(Drop(), **scope)), family=family).up(flags=SYN).silence is hit


@pytest.mark.parametrize(("protocol", "hit"), [("tcp", True), ("udp", False)])
def test_protocols(family: int, protocol: str, hit: bool) -> None:
    assert Tcp(Net(block(Drop(), protocols=(protocol,))), family=family).up(flags=SYN).silence is hit


@pytest.mark.parametrize("blocked", [4, 6])
def test_families(family: int, blocked: int) -> None:
    assert Tcp(Net(block(Drop(), family=blocked)), family=family).up(flags=SYN).silence is (family == blocked)


def test_only_an_allow_list_passes(family: int) -> None:
    net = Net(block(Drop(), spared_servers=("198.51.100.11/32", "2001:db8:100::11/128")))
    assert Tcp(net, family=family).up(flags=SYN).silence
    opened(net, family=family, server=ELSEWHERE[family])


def test_only_allowed_clients_pass(family: int) -> None:
    net = Net(block(Drop(), spared_clients=("10.78.0.3/32", "fd78::3/128")))
    assert Tcp(net, family=family).up(flags=SYN).silence
    opened(net, family=family, client={4: "10.78.0.3", 6: "fd78::3"}[family])


def test_refused_over_tcp(family: int) -> None:
    outcome = (tcp := Tcp(Net(block(Refuse())), family=family)).up(flags=SYN)
    (answer,) = outcome.to_client
    assert not outcome.passed
    assert (answer.flags, answer.sequence, answer.acknowledgment) == (RST | ACK, 0, tcp.up_next)


def test_refused_over_udp(family: int) -> None:
    outcome = Udp(Net(block(Refuse())), family=family).up(b"x")
    (answer,) = outcome.to_client
    assert answer.protocol == (ICMP if family == 4 else ICMPV6)
    assert tuple(answer.payload[:2]) == ((3, 3) if family == 4 else (1, 4))


@pytest.mark.parametrize("why", Unreachable)
def test_icmp(family: int, why: Unreachable) -> None:
    codes = {"network": (0, 0), "host": (1, 3), "port": (3, 4), "prohibited": (13, 1)}
    tcp = Tcp(Net(block(Deny(why=why))), family=family)
    (answer,) = tcp.up(flags=SYN).to_client
    assert answer.payload[1] == codes[why.value][0 if family == 4 else 1]


def test_resets_for_any_syn_to_a_port(family: int) -> None:
    """China, 20 August 2025: three RST/ACK to whoever opened port 443."""
    rule = Blocking(name="syn", when=Syn(), then=Reset(copies=3), scope=Scope(ports=(443,)))
    outcome = Tcp(Net(rule), family=family).up(flags=SYN)
    assert [packet.flags for packet in outcome.to_client] == [RST | ACK] * 3
    assert outcome.passed
    opened(Net(rule), family=family, server_port=8443)


def test_reset_in_place_of_syn_ack(family: int) -> None:
    rule = Blocking(
        name="synack", when=SynAck(), then=TurnIntoReset(), scope=Scope(servers=BOTH_SERVERS), lasts=0
    )
    tcp = Tcp(Net(rule), family=family)
    assert tcp.up(flags=SYN).untouched
    (changed,) = tcp.down(flags=SYN | ACK).passed
    assert changed.flags == RST | ACK
    assert changed.acknowledgment == tcp.up_next
    opened(Net(rule), family=family, server=ELSEWHERE[family])


def test_udp_is_never_a_syn(family: int) -> None:
    for when in (Syn(), SynAck()):
        assert Udp(Net(Blocking(name="x", when=when, then=Drop())), family=family).up(b"x").untouched
