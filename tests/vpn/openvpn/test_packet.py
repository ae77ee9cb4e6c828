"""Packets of the control channel: what goes in comes out, and no octets raise anything but the documented error."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.packet import (
    DATA,
    MOST_ACKS,
    ControlPacket,
    Opcode,
    PacketError,
    StreamReader,
    decode,
    encode_body,
    encode_head,
    encode_stream,
    read_first_octet,
    read_head,
)

IDS = st.integers(0, 2**32 - 1)


@st.composite
def packets(draw: st.DrawFn) -> ControlPacket:
    opcode = draw(st.sampled_from(sorted(set(Opcode) - DATA)))
    acks = draw(st.lists(IDS, max_size=MOST_ACKS).map(tuple))
    return ControlPacket(
        opcode=opcode,
        key_id=draw(st.integers(0, 7)),
        session_id=draw(st.binary(min_size=8, max_size=8)),
        acks=acks,
        peer_session_id=draw(st.binary(min_size=8, max_size=8)) if acks else None,
        packet_id=None if opcode is Opcode.ACK else draw(IDS),
        payload=draw(st.binary(max_size=64)),
    )


@given(packets())
def test_what_is_written_is_read(packet: ControlPacket) -> None:
    assert decode(encode_head(packet), encode_body(packet)) == packet


@given(st.binary(max_size=64), st.binary(max_size=128))
def test_any_octets_are_a_packet_or_an_error(head: bytes, body: bytes) -> None:
    with suppress(PacketError):
        decode(head, body)
    with suppress(PacketError):
        read_head(head)


def test_the_bare_reset_of_the_draft() -> None:
    packet = ControlPacket(opcode=Opcode.RESET_CLIENT, session_id=bytes(range(8)), packet_id=0)
    assert (encode_head(packet) + encode_body(packet)).hex() == "380001020304050607" + "00" + "00000000"


def test_kinds_that_do_not_exist() -> None:
    for octet in (0, 0x08, 0xFF):
        with pytest.raises(PacketError):
            read_first_octet(octet)


def test_acknowledgements_name_a_session() -> None:
    with pytest.raises(ValueError, match="session"):
        encode_body(ControlPacket(opcode=Opcode.ACK, session_id=bytes(8), acks=(1,)))


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=8), st.integers(1, 7))
def test_a_stream_is_cut_into_packets_wherever_it_is_torn(sent: list[bytes], size: int) -> None:
    stream = b"".join(map(encode_stream, sent))
    reader = StreamReader()
    pieces = (stream[start : start + size] for start in range(0, len(stream), size))
    assert [packet for piece in pieces for packet in reader.feed(piece)] == sent


def test_an_empty_packet_in_a_stream_is_none() -> None:
    with pytest.raises(PacketError):
        StreamReader().feed(b"\0\0")


def test_a_stream_begins_as_it_must() -> None:
    assert StreamReader(Opcode.RESET_SERVER).feed(b"\0\x01@\0\x01x") == [b"@", b"x"]
    reader = StreamReader(Opcode.RESET_SERVER)
    assert reader.feed(b"HT") == []
    with pytest.raises(PacketError, match="first"):
        reader.feed(b"TP")
