"""Redirection: there and back under the address that was meant, and helpers can ask for it."""

from __future__ import annotations

import pytest

from circumvent.lab.flow import DOWN
from circumvent.lab.packet import ACK, SYN, Endpoint, build_tcp, build_udp
from circumvent.lab.rules.redirect import ORACLE, Redirect
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import CLIENTS, SERVERS, Net, Tcp, Udp

HELPERS = {4: "198.51.100.99", 6: "2001:db8:100::99"}


def rule(protocol: str = "udp", port: int = 53, target: int = 5353) -> Redirect:
    return Redirect(
        name="redirect",
        scope=Scope(protocols=(protocol,), ports=(port,)),
        ipv4=(HELPERS[4], target),
        ipv6=(HELPERS[6], target),
    )


def test_there_and_back_over_udp(family: int) -> None:
    net = Net(rule())
    client, helper = Endpoint.of(CLIENTS[family], 40000), Endpoint.of(HELPERS[family], 5353)
    (query,) = Udp(net, family=family).up(b"query").passed
    assert (query.sender, query.receiver, query.payload) == (client, helper, b"query")
    (answer,) = net.send(DOWN, build_udp(helper, client, b"answer")).passed
    assert answer.sender == Endpoint.of(SERVERS[family], 53)
    assert answer.payload == b"answer"


def test_there_and_back_over_tcp(family: int) -> None:
    net = Net(rule("tcp", 443, 0))
    tcp = Tcp(net, family=family)
    helper = Endpoint.of(HELPERS[family], 443)
    (syn,) = tcp.up(flags=SYN).passed
    assert syn.receiver == helper
    raw = build_tcp(helper, syn.sender, sequence=7, acknowledgment=tcp.up_next, flags=SYN | ACK)
    (answer,) = net.send(DOWN, raw).passed
    assert answer.sender == Endpoint.of(SERVERS[family], 443)


def test_one_port_of_a_client_towards_two_servers_is_two_clients_to_the_helper(family: int) -> None:
    """Kernels give one port to connections that go to different servers; both must get their own answers."""
    net = Net(rule("tcp", 443, 1))
    other = {4: "198.51.100.7", 6: "2001:db8:100::7"}[family]
    first, second = Tcp(net, family=family), Tcp(net, family=family, server=other)
    (one,), (two,) = first.up(flags=SYN).passed, second.up(flags=SYN).passed
    client, helper = Endpoint.of(CLIENTS[family], 40000), Endpoint.of(HELPERS[family], 1)
    assert one.sender == client
    assert two.sender.address == client.address
    assert two.sender != client
    (again,) = second.up(b"more").passed
    assert again.sender == two.sender
    for shown, server in ((one.sender, SERVERS[family]), (two.sender, other)):
        (answer,) = net.send(DOWN, build_tcp(helper, shown, sequence=7, flags=SYN | ACK)).passed
        assert (answer.sender, answer.receiver) == (Endpoint.of(server, 443), client)
        question = f"tcp {CLIENTS[family]} {shown.port}".encode()
        (said,) = net.send(DOWN, build_udp(Endpoint.of(HELPERS[4], 6000), ORACLE, question)).to_server
        assert said.payload == f"{server} 443".encode()


def test_what_is_not_meant_goes_where_it_should(family: int) -> None:
    net = Net(rule())
    assert Udp(net, family=family, server_port=443).up(b"x").untouched
    assert Tcp(net, family=family, server_port=53).up(flags=SYN).untouched
    own = Udp(net, family=family, server=HELPERS[family], server_port=5353)
    assert own.up(b"x").untouched
    assert own.down(b"x").untouched
    assert net.fired("redirect") == 0


def test_only_one_family() -> None:
    net = Net(Redirect(name="redirect", scope=Scope(), ipv4=(HELPERS[4], 0)))
    assert Udp(net, family=4).up(b"x").passed[0].destination == Endpoint.of(HELPERS[4]).address
    assert Udp(net, family=6).up(b"x").untouched


def test_helpers_ask_whom_a_client_meant(family: int) -> None:
    net = Net(rule())
    Udp(net, family=family).up(b"query")
    helper = Endpoint.of(HELPERS[4], 6000)
    question = f"udp {CLIENTS[family]} 40000".encode()
    outcome = net.send(DOWN, build_udp(helper, ORACLE, question))
    (answer,) = outcome.to_server
    assert not outcome.passed
    assert (answer.receiver, answer.payload) == (helper, f"{SERVERS[family]} 53".encode())


@pytest.mark.parametrize("question", [b"udp 10.78.0.2 1", b"tcp 10.78.0.2 40000"])
def test_nobody_is_known(question: bytes) -> None:
    (answer,) = Net(rule()).send(DOWN, build_udp(Endpoint.of(HELPERS[4], 6000), ORACLE, question)).to_server
    assert answer.payload == b""


@pytest.mark.parametrize(
    "question", [b"", b"udp", b"icmp 1.2.3.4 5", b"udp x 5", b"udp 1.2.3.4 x", b"\xff" * 200]
)
def test_bad_questions_get_no_answer(question: bytes) -> None:
    assert Net(rule()).send(DOWN, build_udp(Endpoint.of(HELPERS[4], 6000), ORACLE, question)).silence


def test_families_are_not_mixed() -> None:
    with pytest.raises(ValueError, match="other address family"):
        Redirect(name="x", scope=Scope(), ipv4=("::1", 1))
