"""Iran's protocol filter: two packets to be recognised by, then silence upwards for a minute after the last one."""

from __future__ import annotations

import dns.message
import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import UP
from circumvent.lab.rules.protocols import Recognised, Unrecognised, recognise
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import Net, Udp, client_hello, opened, quic_initials

STUN = b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12)
IKE = bytes(range(1, 9)) + bytes(8) + b"\x21\x20\x22\x08" + bytes(4) + b"\0\0\0\x1c" + bytes(40)
QUERY = dns.message.make_query("example.", "A").to_wire()


@pytest.mark.parametrize(
    ("payload", "stream", "name"),
    [
        (client_hello(), True, "tls"),
        (b"GET / HTTP/1.1\r\n", True, "http"),
        (b"get / HTTP/1.1\r\n", True, "http"),
        (b"SSH-2.0-OpenSSH_9\r\n", True, "ssh"),
        (len(QUERY).to_bytes(2) + QUERY, True, "dns"),
        (QUERY, False, "dns"),
        (quic_initials()[0], False, "quic"),
        (b"\0" * 40, True, None),
        (b"\0" * 40, False, None),
        (b"", True, None),
        (STUN, False, "stun"),
        (STUN, True, None),
        (IKE, False, "ike"),
        (bytes(4) + IKE, False, "ike"),
        (b"\xc8\x02\x00\x14" + bytes(16), False, "l2tp"),
        (b"\xc8\x02\x00\x15" + bytes(16), False, "quic"),
    ],
)
def test_recognition(payload: bytes, stream: bool, name: str | None) -> None:
    assert recognise(payload, stream=stream) == name


def rule() -> Blocking:
    return Blocking(
        name="filter",
        scope=Scope(protocols=("tcp",), ports=(53, 80, 443), opened_by=UP),
        when=Unrecognised(),
        then=Drop(directions=(UP,)),
        lasts=60,
        renew=True,
    )


@pytest.mark.parametrize("port", [53, 80, 443])
def test_unknown_protocols(family: int, port: int) -> None:
    net = Net(rule())
    tcp = opened(net, family=family, server_port=port)
    assert tcp.up(b"\x00\x01\x02 something").untouched
    assert tcp.up(b"else").silence
    assert tcp.down(b"answer").untouched
    net.now += 40
    assert tcp.up(b"still").silence
    net.now += 40  # less than a minute since the last packet
    assert tcp.up(b"still").silence


@pytest.mark.parametrize(
    "payload", [client_hello(), b"GET / HTTP/1.1\r\n\r\n", len(QUERY).to_bytes(2) + QUERY]
)
@pytest.mark.parametrize("place", [0, 1])
def test_known_ones_in_either_packet(family: int, payload: bytes, place: int) -> None:
    net = Net(rule())
    tcp = opened(net, family=family)
    packets = [b"\0unknown"] * 4
    packets[place] = payload
    assert all(tcp.up(each).untouched for each in packets)
    assert net.fired("filter") == 0


def test_other_ports_and_the_third_packet(family: int) -> None:
    tcp = opened(Net(rule()), family=family, server_port=22)
    assert all(tcp.up(b"\0unknown").untouched for _ in range(4))
    late = opened(Net(rule()), family=family)
    assert late.up(b"\0unknown").untouched
    assert late.up(b"\0unknown").silence
    assert late.up(client_hello()).silence


def test_what_it_could_not_recognise_is_refused() -> None:
    with pytest.raises(ValueError, match="not recognised"):
        Unrecognised(allowed=("smtp",))
    with pytest.raises(ValueError, match="packets"):
        Unrecognised(packets=0)


@pytest.mark.parametrize(("payload", "hit"), [(STUN, True), (QUERY, False), (bytes(40), False)])
def test_a_deny_list(family: int, payload: bytes, hit: bool) -> None:
    net = Net(Blocking(name="calls", when=Recognised(protocols=("stun",)), then=Drop()))
    assert Udp(net, family=family, server_port=3478).up(payload).silence is hit
    late = Udp(net, family=family, client_port=40001)
    assert late.up(b"first").untouched
    assert late.up(payload).untouched
    with pytest.raises(ValueError, match="not recognised"):
        Recognised(protocols=("smtp",))
