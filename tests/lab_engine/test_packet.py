"""Packets: what is built is taken apart again, and bytes from anywhere raise PacketError or nothing."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.packet import (
    ACK,
    SYN,
    TCP,
    UDP,
    Endpoint,
    PacketError,
    build_ip,
    build_tcp,
    build_udp,
    checksum,
    checksums_hold,
    forwarded,
    parse,
    rewritten,
)

PORTS = st.integers(0, 65535)
ENDS = st.one_of(
    *(
        st.tuples(st.builds(Endpoint, addresses, PORTS), st.builds(Endpoint, addresses, PORTS))
        for addresses in (st.binary(min_size=4, max_size=4), st.binary(min_size=16, max_size=16))
    )
)
PAYLOADS = st.binary(max_size=2000)


def slow_checksum(data: bytes) -> int:
    """RFC 1071, word by word."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total ^ 0xFFFF)


@given(st.binary(max_size=200))
def test_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    assert checksum(data) == slow_checksum(data)


def test_checksum_example_of_rfc_1071() -> None:
    # Section 3: the sum of these words is ddf2.
    assert checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF


@given(
    ENDS,
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 63),
    st.binary(max_size=40),
    PAYLOADS,
)
def test_tcp_comes_back(
    ends: tuple[Endpoint, Endpoint],
    sequence: int,
    acknowledgment: int,
    flags: int,
    options: bytes,
    payload: bytes,
) -> None:
    source, destination = ends
    packet = parse(
        build_tcp(
            source, destination, sequence=sequence, acknowledgment=acknowledgment, flags=flags, window=1000,
            options=options, payload=payload, hop_limit=9, identification=77,
        )
    )  # fmt: skip
    assert (packet.sender, packet.receiver, packet.protocol) == (source, destination, TCP)
    assert (packet.sequence, packet.acknowledgment, packet.flags, packet.window) == (
        sequence,
        acknowledgment,
        flags,
        1000,
    )
    assert (packet.payload, packet.payload_length, packet.hop_limit) == (payload, len(payload), 9)
    assert packet.identification == (77 if packet.version == 4 else 0)
    assert checksums_hold(packet)


@given(ENDS, PAYLOADS)
def test_udp_comes_back(ends: tuple[Endpoint, Endpoint], payload: bytes) -> None:
    packet = parse(build_udp(*ends, payload))
    assert (packet.sender, packet.receiver, packet.protocol, packet.payload) == (*ends, UDP, payload)
    assert checksums_hold(packet)


@given(ENDS, PAYLOADS, st.integers(1, 63))
def test_hops_keep_the_checksum(ends: tuple[Endpoint, Endpoint], payload: bytes, hops: int) -> None:
    packet = parse(build_udp(*ends, payload, identification=len(payload)))
    later = forwarded(packet, hops)
    assert later.hop_limit == 64 - hops
    assert checksums_hold(later)
    assert parse(later.raw) == later


@given(ENDS, ENDS, PAYLOADS, PAYLOADS, st.booleans())
def test_rewriting_keeps_checksums_and_families(
    ends: tuple[Endpoint, Endpoint],
    others: tuple[Endpoint, Endpoint],
    payload: bytes,
    other: bytes,
    tcp: bool,
) -> None:
    raw = build_tcp(*ends, sequence=1, flags=ACK, payload=payload) if tcp else build_udp(*ends, payload)
    packet = parse(raw)
    if len(others[0].address) != len(ends[0].address):
        with pytest.raises(PacketError):
            rewritten(packet, sender=others[0], receiver=others[1])
        return
    changed = rewritten(packet, sender=others[0], receiver=others[1], payload=other, flags=SYN)
    assert (changed.sender, changed.receiver, changed.payload) == (*others, other)
    assert changed.flags == (SYN if tcp else 0)
    assert checksums_hold(changed)
    assert packet.raw == raw


@given(st.binary(max_size=120))
def test_hostile_bytes_raise_nothing_else(data: bytes) -> None:
    try:
        packet = parse(data)
    except PacketError:
        return
    assert 0 <= packet.start <= packet.body <= packet.end <= len(data)


@given(ENDS, st.binary(max_size=60), st.data())
def test_damaged_packets_raise_nothing_else(
    ends: tuple[Endpoint, Endpoint], payload: bytes, data: st.DataObject
) -> None:
    raw = bytearray(build_tcp(*ends, sequence=1, flags=ACK, payload=payload))
    for _ in range(3):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    try:
        packet = parse(bytes(raw[: data.draw(st.integers(0, len(raw)))]))
    except PacketError:
        return
    assert packet.start <= packet.body <= packet.end


def test_what_no_router_passes_on() -> None:
    a, b = Endpoint.of("10.0.0.1", 1), Endpoint.of("10.0.0.2", 2)
    good = build_tcp(a, b, sequence=1, flags=SYN)
    for raw in (
        b"",
        good[:19],
        b"\x25" + good[1:],  # IP version 2
        b"\x44" + good[1:],  # a header of 16 bytes
        good[:-1],
        good[:32] + b"\x40" + good[33:],  # a TCP header of 16 bytes
        good[:32] + b"\xf0" + good[33:],  # and one of 60
    ):
        with pytest.raises(PacketError):
            parse(raw)


def test_bytes_behind_the_stated_length_are_ignored() -> None:
    raw = build_udp(Endpoint.of("10.0.0.1", 1), Endpoint.of("10.0.0.2", 2), b"four")
    assert parse(raw + b"trailer").payload == b"four"


def test_extension_headers_are_walked_through() -> None:
    source, destination = IPv6Address("fd00::1").packed, IPv6Address("fd00::2").packed
    segment = build_tcp(Endpoint(source, 1), Endpoint(destination, 2), sequence=5, flags=SYN)[40:]
    options = b"\x3c\x00" + bytes(6)  # hop-by-hop, then destination options
    more = b"\x06\x01" + bytes(14)  # destination options of 16 bytes, then TCP
    packet = parse(build_ip(source, destination, 0, options + more + segment))
    assert (packet.protocol, packet.sequence, packet.destination_port) == (TCP, 5, 2)
    with pytest.raises(PacketError):
        parse(build_ip(source, destination, 0, (b"\x00\x00" + bytes(6)) * 9 + segment))


def test_addresses_of_two_families_are_refused() -> None:
    with pytest.raises(PacketError):
        build_ip(IPv4Address("10.0.0.1").packed, IPv6Address("fd00::1").packed, UDP, b"")
