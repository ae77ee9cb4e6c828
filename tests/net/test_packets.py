"""Packets of our own making, held against the laboratory's codec, and against arbitrary bytes."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab import icmp as lab_icmp
from circumvent.lab import packet as lab
from circumvent.net import packets
from circumvent.net.packets import Echo, IcmpError, PacketError, Trouble, Udp

FOUR = (packets.packed("10.9.0.2"), packets.packed("192.0.2.53"))
SIX = (packets.packed("fd00:9::2"), packets.packed("2001:db8::53"))
FAMILIES = pytest.mark.parametrize("pair", [FOUR, SIX], ids=["ipv4", "ipv6"])
ROUTER = {4: packets.packed("10.9.0.1"), 16: packets.packed("fd00:9::1")}
numbers = st.integers(0, 0xFFFF)
pairs = st.one_of(
    st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4)),
    st.tuples(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16)),
)


@given(pairs, numbers, numbers, st.binary(max_size=1500))
def test_udp_is_read_as_it_was_built_by_both_codecs(
    pair: tuple[bytes, bytes], source_port: int, destination_port: int, data: bytes
) -> None:
    packet = Udp(*pair, source_port, destination_port, data)
    raw = packets.build(packet)
    assert packets.parse(raw) == packet
    theirs = lab.parse(raw)
    assert (theirs.payload, theirs.source_port, theirs.destination_port) == (
        data,
        source_port,
        destination_port,
    )
    assert lab.checksums_hold(theirs)
    assert theirs.dont_fragment


@given(pairs, numbers, numbers, st.binary(max_size=1500), st.booleans())
def test_echoes_are_read_as_they_were_built(
    pair: tuple[bytes, bytes], identifier: int, sequence: int, data: bytes, reply: bool
) -> None:
    packet = Echo(*pair, identifier, sequence, data, reply=reply)
    raw = packets.build(packet)
    assert packets.parse(raw) == packet
    assert lab.checksums_hold(lab.parse(raw))


@given(pairs, numbers, numbers, st.binary(max_size=1400))
def test_what_the_other_codec_builds_is_read(
    pair: tuple[bytes, bytes], source_port: int, destination_port: int, data: bytes
) -> None:
    raw = lab.build_udp(lab.Endpoint(pair[0], source_port), lab.Endpoint(pair[1], destination_port), data)
    assert packets.parse(raw) == Udp(*pair, source_port, destination_port, data)


@FAMILIES
@pytest.mark.parametrize(
    ("why", "trouble"),
    [
        (lab_icmp.Unreachable.PORT, Trouble.PORT_UNREACHABLE),
        (lab_icmp.Unreachable.HOST, Trouble.UNREACHABLE),
        (lab_icmp.Unreachable.PROHIBITED, Trouble.UNREACHABLE),
    ],
)
def test_errors_about_a_datagram_name_its_ports(
    pair: tuple[bytes, bytes], why: lab_icmp.Unreachable, trouble: Trouble
) -> None:
    sent = packets.build(Udp(*pair, 50000, 53, bytes(600)))
    router = ROUTER[len(pair[0])]
    error = packets.parse(lab_icmp.unreachable(lab.parse(sent), router, why))
    assert error == IcmpError(router, pair[0], trouble, pair[1], packets.UDP, 50000, 53)


@FAMILIES
def test_too_big_names_the_size_that_fits(pair: tuple[bytes, bytes]) -> None:
    sent = packets.build(Echo(*pair, 7, 3, bytes(1300)))
    error = packets.parse(lab_icmp.too_big(lab.parse(sent), ROUTER[len(pair[0])], 1280))
    assert isinstance(error, IcmpError)
    assert (error.trouble, error.mtu, error.first, error.second) == (Trouble.TOO_BIG, 1280, 7, 3)


@FAMILIES
def test_time_exceeded_is_known(pair: tuple[bytes, bytes]) -> None:
    sent = packets.build(Echo(*pair, 7, 3, b""))
    error = packets.parse(lab_icmp.time_exceeded(lab.parse(sent), ROUTER[len(pair[0])]))
    assert isinstance(error, IcmpError)
    assert error.trouble is Trouble.TIME_EXCEEDED


def test_padding_behind_a_packet_is_ignored() -> None:
    packet = Udp(*FOUR, 1, 2, b"hello")
    assert packets.parse(packets.build(packet) + bytes(20)) == packet


def test_extension_headers_are_passed_over() -> None:
    packet = Udp(*SIX, 1, 2, b"hello")
    raw = packets.build(packet)
    options = bytes([packets.UDP, 0, 1, 4, 0, 0, 0, 0])
    longer = raw[:4] + (len(raw) - 40 + 8).to_bytes(2) + b"\x3c" + raw[7:40] + options + raw[40:]
    assert packets.parse(longer) == packet
    assert lab.parse(longer).payload == b"hello"


def test_a_datagram_without_a_checksum_is_taken_over_ipv4_alone() -> None:
    for pair, right in ((FOUR, True), (SIX, False)):
        raw = bytearray(packets.build(Udp(*pair, 1, 2, b"hello")))
        raw[-7:-5] = bytes(2)
        if right:
            assert isinstance(packets.parse(bytes(raw)), Udp)
        else:
            with pytest.raises(PacketError, match="checksum"):
                packets.parse(bytes(raw))


def _fragment(raw: bytes) -> bytes:
    head = bytearray(raw[:20])
    head[6:8] = (0x2000).to_bytes(2)
    head[10:12] = bytes(2)
    head[10:12] = packets.checksum(bytes(head)).to_bytes(2)
    return bytes(head) + raw[20:]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "no IP packet"),
        (b"\x45" + bytes(10), "no IP packet"),
        (b"\x60" + bytes(20), "no IP packet"),
        (_fragment(packets.build(Udp(*FOUR, 1, 2, b""))), "fragment"),
        (b"\x44" + packets.build(Udp(*FOUR, 1, 2, b""))[1:], "lengths"),
        (packets.build(Udp(*FOUR, 1, 2, b"hello"))[:-1], "lengths"),
        (packets.build(Udp(*SIX, 1, 2, b"hello"))[:-1], "length"),
        (lab.build_ip(*FOUR, packets.UDP, bytes(7)), "header is not whole"),
        (lab.build_ip(*FOUR, packets.UDP, bytes(4) + b"\0\x20" + bytes(2)), "UDP length"),
        (lab.build_ip(*FOUR, 6, bytes(40)), "neither"),
        (lab.build_ip(*FOUR, packets.ICMP, bytes(4)), "neither"),
        (lab.build_ip(*SIX, packets.ICMP, bytes(40)), "neither"),
        (lab.build_ip(*FOUR, packets.ICMP, b"\x0d\0\xf2\xff" + bytes(4)), "nobody asked"),
        (lab.build_ip(*FOUR, packets.ICMP, bytes(3) + b"\1" + bytes(4)), "checksum"),
        (lab.build_ip(*SIX, 60, b"\x11"), "extension"),
    ],
)
def test_what_is_wrong_is_named(raw: bytes, why: str) -> None:
    with pytest.raises(PacketError, match=why):
        packets.parse(raw)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_packet_or_a_packet(raw: bytes) -> None:
    with suppress(PacketError):
        packets.parse(raw)


@given(st.sampled_from([FOUR, SIX]), st.binary(max_size=80), st.data())
def test_damaged_packets_never_raise_anything_else(
    pair: tuple[bytes, bytes], body: bytes, data: st.DataObject
) -> None:
    raw = bytearray(packets.build(Echo(*pair, 1, 2, body)))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with suppress(PacketError):
        packets.parse(bytes(raw))


def test_addresses_of_two_families_make_no_packet() -> None:
    with pytest.raises(PacketError, match="family"):
        packets.build(Udp(FOUR[0], SIX[1], 1, 2, b""))
    with pytest.raises(PacketError, match="too long"):
        packets.build(Udp(*FOUR, 1, 2, bytes(65_530)))


def test_packed_is_what_the_standard_library_says() -> None:
    assert packets.packed("2001:db8::53") == ip_address("2001:db8::53").packed
