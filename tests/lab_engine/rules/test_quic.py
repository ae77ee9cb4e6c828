"""Rules on QUIC, against aioquic's own Initials."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import UP
from circumvent.lab.fragments import fragmented
from circumvent.lab.names import Names
from circumvent.lab.packet import Endpoint, build_udp, parse
from circumvent.lab.quic_initial import VERSION_1, VERSION_2
from circumvent.lab.rules.quic import QuicClientHello, QuicVersion
from circumvent.lab.rules.tls import HelloWanted
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import CLIENTS, SERVERS, Net, Udp, opened, quic_initials

LISTED = HelloWanted(names=Names(suffixes=("blocked.example",)))


def quic(*, reassemble: bool = True, **scope: object) -> Blocking:
    return Blocking(
        name="quic",
        scope=Scope(protocols=("udp",), **scope),  # type: ignore[arg-type]  # fields of Scope, by name
        when=QuicClientHello(wanted=LISTED, reassemble=reassemble),
        then=Drop(directions=(UP,)),
    )


@pytest.mark.parametrize("version", [VERSION_1, VERSION_2])
@pytest.mark.parametrize("name", ["blocked.example", "WWW.Blocked.Example"])
def test_a_listed_name(family: int, version: int, name: str) -> None:
    udp = Udp(Net(quic()), family=family, server_port=443)
    assert udp.up(quic_initials(name, version=version)[0]).silence
    assert udp.up(b"\x40" + bytes(40)).silence
    assert udp.down(b"\x40" + bytes(40)).untouched


def test_other_names_and_other_protocols(family: int) -> None:
    net = Net(quic())
    udp = Udp(net, family=family, server_port=443)
    for datagram in quic_initials("other.example"):
        assert udp.up(datagram).untouched
    dns = Udp(net, family=family, client_port=40001)
    assert all(dns.up(bytes((number,)) * 60).untouched for number in range(20))
    assert opened(net, family=family).up(quic_initials()[0]).untouched
    assert net.fired("quic") == 0


@pytest.mark.parametrize(("reassemble", "seen"), [(True, True), (False, False)])
def test_a_name_behind_the_first_datagram(family: int, reassemble: bool, seen: bool) -> None:
    datagrams = quic_initials(alpn=100)
    assert len(datagrams) > 1
    udp = Udp(Net(quic(reassemble=reassemble)), family=family, server_port=443)
    outcomes = [udp.up(datagram) for datagram in reversed(datagrams)]
    # Read alone, the datagram with the start of the ClientHello names the server only if the name is in it.
    name_in_first = (
        not Udp(Net(quic(reassemble=False)), family=family, server_port=443).up(datagrams[0]).untouched
    )
    assert any(outcome.silence for outcome in outcomes) is (seen or name_in_first)


def test_beyond_its_capacity_it_reads_nothing(family: int) -> None:
    trigger = QuicClientHello(wanted=LISTED, capacity=3)
    net = Net(Blocking(name="quic", when=trigger, then=Drop(directions=(UP,))))

    def dial(port: int) -> bool:
        return Udp(net, family=family, server_port=443, client_port=port).up(quic_initials()[0]).silence

    assert [dial(40000 + number) for number in range(5)] == [True, True, True, False, False]
    net.now += 1
    assert dial(41000)


@pytest.mark.parametrize(("port", "seen"), [(40000, True), (442, False), (443, False)])
def test_only_when_the_source_port_is_above(family: int, port: int, seen: bool) -> None:
    udp = Udp(Net(quic(source_port_above=True)), family=family, server_port=443, client_port=port)
    assert udp.up(quic_initials()[0]).silence is seen


@pytest.mark.parametrize(
    ("versions", "at_least", "hit"),
    [((VERSION_1,), 1001, True), ((VERSION_2,), 0, False), ((), 0, True), ((VERSION_1,), 1400, False)],
)
def test_by_version_and_size(family: int, versions: tuple[int, ...], at_least: int, hit: bool) -> None:
    rule = Blocking(
        name="version",
        scope=Scope(protocols=("udp",), ports=(443,)),
        when=QuicVersion(versions=versions, at_least=at_least),
        then=Drop(),
    )
    udp = Udp(Net(rule), family=family, server_port=443)
    assert udp.up(quic_initials("other.example")[0]).silence is hit
    assert Udp(Net(rule), family=family, server_port=8443).up(quic_initials()[0]).untouched


@pytest.mark.parametrize(("defragment", "seen"), [(True, True), (False, False)])
def test_an_initial_in_ip_fragments(defragment: bool, seen: bool) -> None:
    net = Net(quic(), defragment=defragment)
    raw = build_udp(
        Endpoint.of(CLIENTS[4], 40000), Endpoint.of(SERVERS[4], 443), quic_initials()[0], identification=99
    )
    # The Initial is shorter than its datagram; such small fragments surely cut it.
    outcomes = [net.send(UP, piece) for piece in fragmented(parse(raw), 100)]
    passed = sum(len(outcome.passed) for outcome in outcomes)
    assert passed == (0 if seen else len(outcomes))


def test_fragments_of_what_is_not_listed_all_pass() -> None:
    net = Net(quic())
    raw = build_udp(
        Endpoint.of(CLIENTS[4], 40000),
        Endpoint.of(SERVERS[4], 443),
        quic_initials("other.example")[0],
        identification=99,
    )
    outcomes = [net.send(UP, piece) for piece in reversed(fragmented(parse(raw), 600))]
    assert [len(outcome.passed) for outcome in outcomes] == [0, 0, 3]
