"""Packets of an AnyConnect tunnel, and what a gateway assigns."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.http_head import ResponseHead
from circumvent.vpn.openconnect import cstp
from circumvent.vpn.openconnect.cstp import Configuration, CstpError, Deframer, Packet, PacketType


def test_a_packet_is_laid_out_as_the_draft_says() -> None:
    assert cstp.encode(PacketType.DATA, b"abc") == bytes.fromhex("53544601 0003 00 00") + b"abc"
    assert cstp.encode(PacketType.DPD_REQUEST) == bytes.fromhex("53544601 0000 03 00")
    with pytest.raises(CstpError):
        cstp.encode(PacketType.DATA, bytes(65536))


@given(
    st.lists(st.tuples(st.sampled_from(PacketType), st.binary(max_size=50)), max_size=6), st.integers(1, 40)
)
def test_packets_are_read_however_they_come(packets: list[tuple[PacketType, bytes]], size: int) -> None:
    stream = b"".join(cstp.encode(kind, payload) for kind, payload in packets)
    deframer = Deframer()
    read = [
        item for start in range(0, len(stream), size) for item in deframer.feed(stream[start : start + size])
    ]
    assert read == [Packet(kind, payload) for kind, payload in packets]


@given(st.binary(max_size=100))
def test_any_bytes_are_packets_or_an_error(data: bytes) -> None:
    deframer = Deframer()
    with suppress(CstpError):
        for packet in deframer.feed(data):
            assert data[:4] == b"STF\x01"
            assert len(packet.payload) <= cstp.LARGEST


def test_the_request_names_neither_us_nor_this_device() -> None:
    request = cstp.connect_request("vpn.example", "webvpn=token").decode()
    assert request.startswith("CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: vpn.example\r\n")
    assert "Cookie: webvpn=token\r\n" in request
    assert request.endswith("\r\n\r\n")
    assert "circumvent" not in request.lower()
    with pytest.raises(ValueError, match="cookie"):
        cstp.connect_request("vpn.example", "webvpn=a\r\nX-Other: b")


def head(*fields: tuple[str, str]) -> ResponseHead:
    return ResponseHead(200, tuple((f"x-cstp-{name}", value) for name, value in fields))


def test_what_a_gateway_assigns() -> None:
    answer = head(
        ("address", "10.44.1.129"),
        ("netmask", "255.255.255.0"),
        ("address-ip6", "fd44::5/64"),
        ("dns", "198.51.100.10"),
        ("dns", "198.51.100.10"),
        ("dns-ip6", "2001:db8::53"),
        ("mtu", "1434"),
    )
    assert cstp.read_configuration(answer) == Configuration(
        addresses=("10.44.1.129", "fd44::5"),
        resolvers=("198.51.100.10", "2001:db8::53"),
        gateways=("10.44.1.1",),
        mtu=1434,
    )


@pytest.mark.parametrize("netmask", ["255.255.255.255", "255.255.255.254", "nonsense", "0.255.0.0"])
def test_a_netmask_that_tells_no_gateway(netmask: str) -> None:
    assert cstp.read_configuration(head(("address", "10.0.0.1"), ("netmask", netmask))).gateways == ()


def test_our_own_address_is_no_gateway() -> None:
    assert cstp.read_configuration(head(("address", "10.0.0.1"), ("netmask", "255.0.0.0"))).gateways == ()


@pytest.mark.parametrize(("said", "taken"), [("1400", 1400), ("1", 576), ("99999", 65535), ("x", 1280), ("", 1280), ("٣", 1280)])  # fmt: skip
def test_the_mtu_is_within_reason(said: str, taken: int) -> None:
    assert cstp.read_configuration(head(("address", "10.0.0.2"), ("mtu", said))).mtu == taken


@pytest.mark.parametrize(
    "fields",
    [
        (),
        (("address", "nonsense"),),
        (("address", "0.0.0.0"),),
        (("address", "224.0.0.1"),),
        (("address", "10.0.0.2"), ("content-encoding", "oc-lz4")),
    ],
)
def test_what_makes_no_tunnel(fields: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(CstpError):
        cstp.read_configuration(head(*fields))


NAMES = st.sampled_from(["address", "address-ip6", "netmask", "dns", "mtu", "content-encoding"])
VALUES = st.one_of(
    st.text(max_size=20), st.ip_addresses().map(str), st.sampled_from(["fe80::1%lo", "::", "255.255.0.0"])
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_any_answer_is_read_or_refused(fields: list[tuple[str, str]]) -> None:
    with suppress(CstpError):
        configuration = cstp.read_configuration(head(*fields))
        assert 1 <= len(configuration.addresses) <= cstp.MOST
        assert len(configuration.resolvers) <= cstp.MOST
