"""The stopwatch at the client's end of the wire."""

from __future__ import annotations

import os

from circumvent.lab.packet import ACK, RST, SYN, Endpoint, build_tcp, build_udp
from circumvent.lab.tally import Tally
from tests.lab_engine.talk import CLIENTS, SERVERS


def ends(family: int, port: int = 443) -> tuple[Endpoint, Endpoint]:
    return Endpoint.of(CLIENTS[family], 40000), Endpoint.of(SERVERS[family], port)


def test_a_connection_has_its_times_and_its_bytes(family: int) -> None:
    client, server = ends(family)
    tally = Tally()
    opening, answer = (
        build_tcp(client, server, sequence=0, flags=SYN),
        build_tcp(server, client, sequence=0, flags=SYN | ACK),
    )
    tally.left(opening, 1.0)
    tally.left(opening, 2.0)  # once more: it was asked at the first
    tally.arrived(answer, 2.05)
    tally.arrived(build_tcp(server, client, sequence=0, flags=ACK, payload=b"hello"), 2.2)
    (seen,) = tally.take()
    assert (seen.protocol, seen.address, seen.port, seen.client_port) == ("tcp", SERVERS[family], 443, 40000)
    assert (seen.asked, seen.answered) == (1.0, 2.05)
    assert (seen.sent, seen.received) == (2 * len(opening), 2 * len(answer) + 5)
    assert tally.take() == ()


def test_silence_and_a_stranger(family: int) -> None:
    client, server = ends(family, 53)
    tally = Tally()
    tally.arrived(build_udp(server, client, b"unasked"), 0.5)
    tally.left(build_udp(client, server, b"question"), 1.0)
    (seen,) = tally.take()
    assert (seen.protocol, seen.answered, seen.received) == ("udp", None, 0)


def test_a_port_that_is_used_again_is_another_connection(family: int) -> None:
    client, server = ends(family)
    tally = Tally()
    for moment in (1.0, 5.0):
        tally.left(build_tcp(client, server, sequence=0, flags=SYN), moment)
        tally.arrived(build_tcp(server, client, sequence=0, flags=RST | ACK), moment + 0.1)
    assert [(seen.asked, seen.answered) for seen in tally.take()] == [(1.0, 1.1), (5.0, 5.1)]


def test_what_is_no_packet_counts_nowhere() -> None:
    tally = Tally()
    for raw in (b"", b"\x45", os.urandom(60)):
        tally.left(raw, 0.0)
        tally.arrived(raw, 0.0)
    assert all(seen.protocol in {"tcp", "udp"} for seen in tally.take())
