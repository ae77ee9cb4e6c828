"""Fragments: cut and put together in any order, overlaps and incomplete ones included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.fragments import MOST_DATAGRAMS, PATIENCE, Defragmenter, fragmented
from circumvent.lab.packet import (
    UDP,
    Endpoint,
    PacketError,
    build_ip,
    build_tcp,
    build_udp,
    checksums_hold,
    parse,
)

A, B = Endpoint.of("10.0.0.1", 1000), Endpoint.of("10.0.0.2", 53)
SIX_A, SIX_B = Endpoint.of("fd00::1", 1000), Endpoint.of("fd00::2", 53)


def fragmented_ipv6(payload: bytes, size: int) -> list[bytes]:
    """As a sender cuts (RFC 8200, section 4.5)."""
    segment = build_udp(SIX_A, SIX_B, payload)[40:]
    pieces = []
    for begin in range(0, len(segment), size):
        more = begin + size < len(segment)
        header = bytes((UDP, 0)) + (begin | more).to_bytes(2) + (77).to_bytes(4)
        pieces.append(build_ip(SIX_A.address, SIX_B.address, 44, header + segment[begin : begin + size]))
    return pieces


@given(st.binary(min_size=1, max_size=3000), st.integers(68, 1500), st.data())
def test_ipv4(payload: bytes, mtu: int, data: st.DataObject) -> None:
    pieces = fragmented(parse(build_udp(A, B, payload, identification=7)), mtu)
    assert all(len(piece) <= mtu and checksums_hold(parse(piece)) for piece in pieces)
    if len(pieces) > 60:
        return
    defragmenter = Defragmenter()
    wholes = [defragmenter.add(parse(piece), 0.0) for piece in data.draw(st.permutations(pieces))]
    assert [whole is None for whole in wholes] == [True] * (len(pieces) - 1) + [False]
    whole = wholes[-1]
    assert whole is not None
    assert (whole.packet.payload, whole.packet.receiver) == (payload, B)
    assert len(whole.brought_by) == len(pieces)
    assert checksums_hold(whole.packet)


@given(st.binary(min_size=1, max_size=3000), st.data())
def test_ipv6(payload: bytes, data: st.DataObject) -> None:
    defragmenter = Defragmenter()
    whole = None
    for piece in data.draw(st.permutations(fragmented_ipv6(payload, 400))):
        whole = defragmenter.add(parse(piece), 0.0)
    assert whole is not None
    assert (whole.packet.payload, whole.packet.receiver) == (payload, SIX_B)


def test_fragments_of_fragments() -> None:
    payload = bytes(range(256)) * 8
    twice = [
        smaller
        for piece in fragmented(parse(build_udp(A, B, payload, identification=7)), 1000)
        for smaller in fragmented(parse(piece), 300)
    ]
    defragmenter = Defragmenter()
    *_, whole = (defragmenter.add(parse(piece), 0.0) for piece in twice)
    assert whole is not None
    assert whole.packet.payload == payload


def test_what_must_not_be_cut() -> None:
    with pytest.raises(PacketError):
        fragmented(parse(build_tcp(A, B, sequence=1, flags=2, payload=bytes(2000))), 1000)
    with pytest.raises(PacketError):
        fragmented(parse(build_udp(SIX_A, SIX_B, bytes(2000))), 1300)


def test_incomplete_datagrams_are_forgotten() -> None:
    defragmenter = Defragmenter()
    first, *rest = fragmented(parse(build_udp(A, B, bytes(1000), identification=1)), 600)
    assert defragmenter.add(parse(first), 0.0) is None
    assert all(defragmenter.add(parse(piece), PATIENCE + 1) is None for piece in rest)
    for number in range(2 * MOST_DATAGRAMS):
        head, *_ = fragmented(parse(build_udp(A, B, bytes(1000), identification=number)), 600)
        defragmenter.add(parse(head), PATIENCE + 1)
    assert len(defragmenter._datagrams) <= MOST_DATAGRAMS


def test_a_whole_packet_is_whole() -> None:
    packet = parse(build_udp(A, B, b"x"))
    whole = Defragmenter().add(packet, 0.0)
    assert whole is not None
    assert whole.packet is packet
