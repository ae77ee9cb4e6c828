"""Flows: one name for both directions, counters, and what makes a flow new or forgotten."""

from __future__ import annotations

import pytest  # noqa: TC002 - fixtures are typed by it

from circumvent.lab import flow as flows
from circumvent.lab.flow import DOWN, IDLE, UP, Direction, FlowTable, key_of
from circumvent.lab.packet import ACK, RST, SYN, Endpoint, Packet, build_tcp, build_udp, parse

A, B = Endpoint.of("10.0.0.1", 1000), Endpoint.of("10.0.0.2", 443)


def tcp(flags: int, payload: bytes = b"", *, down: bool = False, sequence: int = 1) -> Packet:
    ends = (B, A) if down else (A, B)
    return parse(build_tcp(*ends, sequence=sequence, acknowledgment=1, flags=flags, payload=payload))


def test_both_directions_have_one_name() -> None:
    assert key_of(tcp(SYN), UP) == key_of(tcp(SYN | ACK, down=True), DOWN)
    assert key_of(tcp(SYN), UP) != key_of(parse(build_udp(A, B, b"")), UP)
    assert UP.other is DOWN
    assert DOWN.other is UP


def test_a_handshake_is_noticed() -> None:
    table = FlowTable()
    for packet, way, answered in (
        (tcp(SYN), UP, False),
        (tcp(SYN | ACK, down=True), DOWN, False),
        (tcp(ACK, sequence=2), UP, True),
    ):
        flow = table.find(packet, way, 1.0)
        assert not flow.note(packet, way, 1.0)
        assert flow.answered is answered
    assert flow.opened_by is UP
    assert (flow.up.packets, flow.down.packets, flow.up.payload) == (2, 1, 0)
    assert (flow.client, flow.server) == (A, B)


def test_first_payloads_are_kept_and_repetitions_not_counted() -> None:
    table = FlowTable()
    flow = table.find(tcp(SYN), UP, 0.0)
    assert flow.note(tcp(ACK, b"one", sequence=2), UP, 0.0)
    assert not flow.note(tcp(ACK, b"one", sequence=2), UP, 0.0)
    assert flow.note(tcp(ACK, b"two", sequence=5), UP, 0.0)
    assert (flow.up.first, flow.up.fresh, flow.up.packets, flow.up.payload) == ([b"one", b"two"], 2, 3, 9)


def test_a_flow_ends_with_idleness_or_with_another_connection() -> None:
    table = FlowTable()
    first = table.find(tcp(SYN), UP, 0.0)
    first.note(tcp(SYN), UP, 0.0)
    assert table.find(tcp(SYN), UP, 1.0) is first  # the same SYN again
    assert table.find(tcp(RST), UP, 1.0) is first
    other = table.find(tcp(SYN, sequence=77), UP, 1.0)
    assert other is not first
    other.note(tcp(SYN, sequence=77), UP, 1.0)
    assert table.find(tcp(ACK, sequence=78), UP, 2.0) is other
    assert table.find(tcp(ACK, sequence=78), UP, IDLE + 2.0) is not other


def test_the_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows, "MOST_FLOWS", 10)
    table = FlowTable()
    for port in range(30):
        table.find(parse(build_udp(A, Endpoint(B.address, port), b"x")), Direction.UP, 1.0)
    assert len(table) == 10
