"""Frames, control packets and options of PPP."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn import ppp
from circumvent.vpn.ppp import Frame, Packet, PppError, Protocol

PAYLOADS = st.binary(max_size=40)


def test_a_frame_is_laid_out_as_rfc_1662_says() -> None:
    assert ppp.encode_frame(Protocol.LCP, b"x") == bytes.fromhex("ff03c021") + b"x"


@pytest.mark.parametrize("data", ["ff030021 aa", "0021 aa", "ff0321 aa", "21 aa"])
def test_fields_that_may_be_left_out(data: str) -> None:
    assert ppp.parse_frame(bytes.fromhex(data)) == Frame(Protocol.IPV4, b"\xaa")


@pytest.mark.parametrize("data", ["", "ff03", "ff0300", "c0", "c022"])
def test_what_is_no_frame(data: str) -> None:
    with pytest.raises(PppError):
        ppp.parse_frame(bytes.fromhex(data))


@pytest.mark.parametrize("data", ["", "0101", "01010003", "01010005", "01011001" + "00" * 4100])
def test_what_is_no_control_packet(data: str) -> None:
    with pytest.raises(PppError):
        ppp.parse_packet(bytes.fromhex(data))


def test_what_follows_the_length_is_padding() -> None:
    assert ppp.parse_packet(bytes.fromhex("09 07 0006 aabb cccc")) == Packet(9, 7, b"\xaa\xbb")


@pytest.mark.parametrize("data", ["01", "0101", "0103", "010400", "0102" * 65])
def test_what_are_no_options(data: str) -> None:
    with pytest.raises(PppError):
        ppp.parse_options(bytes.fromhex(data))


def test_challenge_and_response() -> None:
    assert ppp.parse_challenge(b"\x03abcname") == b"abc"
    assert ppp.encode_response(b"abc", b"name") == b"\x03abcname"
    assert ppp.encode_credentials(b"me", b"word") == b"\x02me\x04word"
    for data in (b"", b"\x03ab"):
        with pytest.raises(PppError):
            ppp.parse_challenge(data)
    with pytest.raises(ValueError, match="256"):
        ppp.encode_credentials(bytes(256), b"")


@given(st.sampled_from(Protocol), PAYLOADS)
def test_a_frame_is_read_again(protocol: Protocol, payload: bytes) -> None:
    assert ppp.parse_frame(ppp.encode_frame(protocol, payload)) == Frame(protocol, payload)


@given(st.integers(0, 255), st.integers(0, 255), PAYLOADS)
def test_a_control_packet_is_read_again(code: int, identifier: int, data: bytes) -> None:
    packet = Packet(code, identifier, data)
    assert ppp.parse_packet(ppp.encode_packet(packet)) == packet


@given(st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=10).map(tuple))
def test_options_are_read_again(options: ppp.Options) -> None:
    assert ppp.parse_options(ppp.encode_options(options)) == options


@given(PAYLOADS)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (ppp.parse_frame, ppp.parse_packet, ppp.parse_options, ppp.parse_challenge):
        with suppress(PppError):
            read(data)
