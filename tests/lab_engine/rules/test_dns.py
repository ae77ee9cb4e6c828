"""DNS rules: the forged answer is one that a resolver library takes, and others' questions go through."""

from __future__ import annotations

import dns.message
import dns.rcode
import pytest

from circumvent.lab.actions import Drop, Reset
from circumvent.lab.blocking import Blocking
from circumvent.lab.dns import ResponseCode
from circumvent.lab.flow import UP
from circumvent.lab.fragments import fragmented
from circumvent.lab.names import Names
from circumvent.lab.packet import ACK, FIN, PSH, Endpoint, build_udp, parse
from circumvent.lab.rules.dns import DnsQuestion, ForgeAnswer
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import CLIENTS, SERVERS, Net, Udp, opened

LISTED = DnsQuestion(names=Names(suffixes=("blocked.example",)))
LIES = ("10.10.34.34", "10.10.34.35", "d0::11")


def injection(**how: object) -> Blocking:
    return Blocking(
        name="dns",
        scope=Scope(protocols=("udp",), ports=(53,)),
        when=LISTED,
        then=ForgeAnswer(addresses=LIES, **how),  # type: ignore[arg-type]  # fields of ForgeAnswer, by name
        lasts=0,
    )


def query(name: str, kind: str = "A") -> dns.message.QueryMessage:
    return dns.message.make_query(name, kind, use_edns=0)


@pytest.mark.parametrize("name", ["blocked.example.", "WWW.blocked.EXAMPLE."])
@pytest.mark.parametrize("kind", ["A", "AAAA"])
def test_in_place_of_the_true_answer(family: int, name: str, kind: str) -> None:
    udp = Udp(Net(injection()), family=family)
    question = query(name, kind)
    outcome = udp.up(question.to_wire())
    assert not outcome.passed
    (packet,) = outcome.to_client
    answer = dns.message.from_wire(packet.payload)
    assert question.is_response(answer)
    (record,) = (str(each) for rrset in answer.answer for each in rrset)
    assert record in LIES
    assert (":" in record) is (kind == "AAAA")


def test_racing_the_true_answer(family: int) -> None:
    udp = Udp(Net(injection(drop=False, copies=3)), family=family)
    outcome = udp.up(query("blocked.example.").to_wire())
    assert len(outcome.passed) == 1
    assert len(outcome.to_client) == 3
    assert udp.down(b"the true answer").untouched


@pytest.mark.parametrize("name", ["example.", "unblocked.example.", "blocked.example.net."])
def test_other_names(family: int, name: str) -> None:
    net = Net(injection())
    udp = Udp(net, family=family)
    assert udp.up(query(name).to_wire()).untouched
    assert udp.up(query("blocked.example.").to_wire()).to_client  # on the same port afterwards
    assert udp.up(query(name).to_wire()).untouched
    assert net.fired("dns") == 1


def test_other_ports_and_responses_are_left_alone(family: int) -> None:
    net = Net(injection())
    assert Udp(net, family=family, server_port=5353).up(query("blocked.example.").to_wire()).untouched
    response = dns.message.make_response(query("blocked.example."))
    assert Udp(net, family=family).up(response.to_wire()).untouched
    assert Udp(net, family=family).down(query("blocked.example.").to_wire()).untouched


@pytest.mark.parametrize("code", [ResponseCode.NXDOMAIN, ResponseCode.REFUSED])
def test_a_refusal(family: int, code: ResponseCode) -> None:
    rule = Blocking(name="dns", when=LISTED, then=ForgeAnswer(code=code), lasts=0)
    (packet,) = Udp(Net(rule), family=family).up(query("blocked.example.").to_wire()).to_client
    assert dns.rcode.to_text(dns.message.from_wire(packet.payload).rcode()).lower() == code.value


def test_silence(family: int) -> None:
    rule = Blocking(name="dns", when=LISTED, then=Drop(), lasts=0)
    assert Udp(Net(rule), family=family).up(query("blocked.example.").to_wire()).silence


def test_only_some_types(family: int) -> None:
    rule = Blocking(name="dns", when=DnsQuestion(types=("AAAA",)), then=Drop(), lasts=0)
    udp = Udp(Net(rule), family=family)
    assert udp.up(query("any.example.", "AAAA").to_wire()).silence
    assert udp.up(query("any.example.", "A").to_wire()).untouched


@pytest.mark.parametrize(("name", "hit"), [("blocked.example.", True), ("other.example.", False)])
def test_over_tcp_in_two_segments(family: int, name: str, hit: bool) -> None:
    rule = Blocking(name="dns", when=LISTED, then=Reset())
    tcp = opened(Net(rule), family=family, server_port=53)
    wire = query(name).to_wire()
    framed = len(wire).to_bytes(2) + wire
    assert tcp.up(framed[:20]).untouched
    assert tcp.up(framed[20:]).untouched is not hit


def framed(name: str) -> bytes:
    wire = query(name).to_wire()
    return len(wire).to_bytes(2) + wire


@pytest.mark.parametrize("drop", [True, False])
def test_an_answer_over_tcp_ends_the_connection(family: int, drop: bool) -> None:
    rule = Blocking(name="dns", when=LISTED, then=ForgeAnswer(addresses=LIES, drop=drop, copies=3))
    tcp = opened(Net(rule), family=family, server_port=53)
    outcome = tcp.up(framed("www.BLOCKED.example."))
    (packet,) = outcome.to_client
    assert (packet.sequence, packet.acknowledgment) == (tcp.down_next, tcp.up_next)
    assert packet.flags == ACK | PSH | FIN
    answer = dns.message.from_wire(packet.payload[2:])
    assert int.from_bytes(packet.payload[:2]) == len(packet.payload) - 2
    assert str(answer.answer[0][0]) in LIES
    assert bool(outcome.passed) is not drop
    farewell = tcp.up(flags=ACK | FIN)
    assert bool(farewell.to_client) is drop  # who swallowed the query must let the client go
    assert tcp.down(b"the true answer").untouched is not drop


def test_a_later_question_on_a_connection_that_stays_open(family: int) -> None:
    net = Net(Blocking(name="dns", when=LISTED, then=ForgeAnswer(addresses=LIES), lasts=0))
    tcp = opened(net, family=family, server_port=53)
    assert tcp.up(framed("one.example.") + framed("two.example.")).untouched
    assert tcp.down(b"the true answers").untouched
    assert not tcp.up(framed("blocked.example.")).passed
    assert net.fired("dns") == 1


def test_segments_over_tcp_in_the_wrong_order_and_twice(family: int) -> None:
    net = Net(Blocking(name="dns", when=LISTED, then=Drop(), lasts=0))
    tcp = opened(net, family=family, server_port=53)
    wire, first = framed("blocked.example."), tcp.up_next
    assert tcp.up(wire[10:], at=first + 10).untouched
    assert tcp.up(wire[10:], at=first + 10).untouched
    assert tcp.up(wire[:10], at=first).silence
    other = opened(net, family=family, server_port=53, client_port=40001)
    wire, first = framed("another.example."), other.up_next
    for at in (10, 0, 10, 0):
        assert other.up(wire[10:] if at else wire[:10], at=first + at).untouched


def test_a_question_in_ip_fragments() -> None:
    net = Net(injection())
    raw = build_udp(
        Endpoint.of(CLIENTS[4], 40000),
        Endpoint.of(SERVERS[4], 53),
        query("a-rather-long-name-that-fills-a-fragment.blocked.example.").to_wire(),
        identification=5,
    )
    outcomes = [net.send(UP, piece) for piece in fragmented(parse(raw), 60)]
    assert sum(len(outcome.to_client) for outcome in outcomes) == 1


def test_unknown_types_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown record types"):
        DnsQuestion(types=("AAA",))
