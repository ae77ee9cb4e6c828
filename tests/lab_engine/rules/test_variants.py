"""What a censor reads in a stream or a datagram it reads however that comes: cut, reordered, repeated, in fragments.

Each story has a twin: the same way of sending, of something that must be left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import UP
from circumvent.lab.fragments import fragmented
from circumvent.lab.names import Names
from circumvent.lab.packet import ACK, PSH, Endpoint, build_ip, build_tcp, build_udp, parse
from circumvent.lab.rules.dns import DnsQuestion
from circumvent.lab.rules.http import HttpRequest
from circumvent.lab.rules.protocols import Recognised
from circumvent.lab.rules.quic import QuicClientHello
from circumvent.lab.rules.tls import ClientHello, DtlsClientHello, HelloWanted
from circumvent.lab.rules.tunnels import OpenVpn, WireGuard
from tests.lab_engine.rules.test_tls import dtls_hello
from tests.lab_engine.talk import (
    CLIENTS,
    SERVERS,
    Net,
    Tcp,
    Udp,
    client_hello,
    opened,
    quic_initials,
    with_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.lab.blocking import Trigger

LISTED = Names(suffixes=("blocked.example",))
HELLO = HelloWanted(names=LISTED)


def query(name: str) -> bytes:
    return dns.message.make_query(name, "A").to_wire()


def framed(name: str) -> bytes:
    return len(query(name)).to_bytes(2) + query(name)


def request(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


@dataclass(frozen=True, slots=True)
class Story:
    """A trigger, what it must see, and what it must not."""

    trigger: Trigger
    seen: bytes
    twin: bytes


STREAMS = {
    "client-hello": Story(
        ClientHello(wanted=HELLO),
        with_name(client_hello("blocked.example"), "blocked.example", "BLOCKED.Example"),
        client_hello("allowed.example"),
    ),
    "http-request, host": Story(
        HttpRequest(hosts=LISTED), request("WWW.Blocked.Example"), request("www.allowed.example")
    ),
    "http-request, word": Story(
        HttpRequest(keywords=("forbidden",)), request("a.example", "/?q=FORBIDDEN"), request("a.example")
    ),
    "dns-question": Story(
        DnsQuestion(names=LISTED), framed("wWw.bLOCKED.example."), framed("www.allowed.example.")
    ),
}
DATAGRAMS = {
    "dns-question": Story(
        DnsQuestion(names=LISTED), query("WWW.BLOCKED.example."), query("allowed.example.")
    ),
    "quic-client-hello": Story(
        QuicClientHello(wanted=HELLO),
        quic_initials("BLOCKED.example")[0],
        quic_initials("allowed.example")[0],
    ),
    "dtls-client-hello": Story(
        DtlsClientHello(wanted=HELLO), dtls_hello("BLOCKED.example"), dtls_hello("allowed.example")
    ),
    "wire-guard": Story(WireGuard(), b"\x01\0\0\0" + bytes(144), b"\x01\0\0\0" + bytes(145)),
    "open-vpn": Story(OpenVpn(), bytes((7 << 3,)) + bytes(13), bytes((6 << 3,)) + bytes(13)),
    "recognised": Story(Recognised(protocols=("stun",)), b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), bytes(20)),
}

#: Ways to send a message over TCP: pieces as (offset, end), in the order in which they come.
WAYS: dict[str, Callable[[int], list[tuple[int, int]]]] = {
    "whole": lambda size: [(0, size)],
    "halves": lambda size: [(0, size // 2), (size // 2, size)],
    "halves in the wrong order": lambda size: [(size // 2, size), (0, size // 2)],
    "thirds, the middle last": lambda size: [
        (0, size // 3),
        (2 * size // 3, size),
        (size // 3, 2 * size // 3),
    ],
    "single bytes": lambda size: [(at, at + 1) for at in range(size)],
    "single bytes, twice each": lambda size: [(at, at + 1) for at in range(size) for _ in range(2)],
    "overlapping": lambda size: [(0, size // 2), (size // 4, size)],
}


def rule(story: Story) -> Blocking:
    return Blocking(name="rule", when=story.trigger, then=Drop())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", STREAMS)
def test_streams(family: int, name: str, way: str) -> None:
    story = STREAMS[name]
    for payload, hit in ((story.seen, True), (story.twin, False)):
        net = Net(rule(story))
        tcp = opened(net, family=family)
        first = tcp.up_next
        for begin, end in WAYS[way](len(payload)):
            tcp.up(payload[begin:end], at=first + begin)
        assert bool(net.fired("rule")) is hit


@pytest.mark.parametrize("name", STREAMS)
def test_streams_in_ip_fragments(family: int, name: str) -> None:
    story = STREAMS[name]
    for payload, hit in ((story.seen, True), (story.twin, False)):
        net = Net(rule(story))
        tcp = opened(net, family=family)
        raw = _segment(tcp, payload)
        for piece in reversed(cut(raw)):
            net.send(UP, piece)
        assert bool(net.fired("rule")) is hit


@pytest.mark.parametrize("name", DATAGRAMS)
@pytest.mark.parametrize("twice", [False, True])
def test_datagrams(family: int, name: str, twice: bool) -> None:
    story = DATAGRAMS[name]
    for payload, hit in ((story.seen, True), (story.twin, False)):
        udp = Udp(Net(rule(story)), family=family)
        outcomes = [udp.up(payload) for _ in range(1 + twice)]
        assert [outcome.silence for outcome in outcomes] == [hit] * (1 + twice)


@pytest.mark.parametrize("name", DATAGRAMS)
def test_datagrams_in_ip_fragments(family: int, name: str) -> None:
    story = DATAGRAMS[name]
    for payload, hit in ((story.seen, True), (story.twin, False)):
        net = Net(rule(story))
        client, server = (Endpoint.of(each[family], 40000) for each in (CLIENTS, SERVERS))
        outcomes = [net.send(UP, piece) for piece in cut(build_udp(client, server, payload))]
        assert bool(net.fired("rule")) is hit
        assert all(outcome.silence for outcome in outcomes) is hit


def cut(raw: bytes) -> list[bytes]:
    """Cut a packet in halves as its sender may (RFC 791, section 3.2; RFC 8200, section 4.5)."""
    packet = parse(raw)
    data = raw[packet.start :]
    middle = (len(data) // 2 + 7) & ~7
    if packet.version == 4:
        whole = build_ip(
            packet.source, packet.destination, packet.protocol, data, identification=7, dont_fragment=False
        )
        return fragmented(parse(whole), packet.start + middle)
    return [
        build_ip(
            packet.source,
            packet.destination,
            44,  # fragment header
            bytes((packet.protocol, 0)) + (begin | more).to_bytes(2) + (77).to_bytes(4) + data[begin:end],
        )
        for begin, end, more in ((0, middle, 1), (middle, len(data), 0))
    ]


def _segment(tcp: Tcp, payload: bytes) -> bytes:
    client, server = tcp.ends
    return build_tcp(
        client, server, sequence=tcp.up_next, acknowledgment=tcp.down_next, flags=ACK | PSH, window=64240,
        payload=payload,
    )  # fmt: skip
