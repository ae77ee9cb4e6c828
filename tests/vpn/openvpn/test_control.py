"""The control channel against a server of the tests' own that answers as the draft says."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.control import CHUNK, ControlChannel
from circumvent.vpn.openvpn.packet import ControlPacket, Opcode, decode, encode_body, encode_head
from circumvent.vpn.openvpn.static_key import parse_client_key
from circumvent.vpn.openvpn.wrap import Plain, TlsCryptV2, Wrapping
from tests.vpn.openvpn.recorded import RECORDED

OURS, THEIRS = b"client!!", b"server!!"


def packet(opcode: Opcode, **parts: object) -> bytes:
    values: dict[str, object] = {"session_id": THEIRS, "packet_id": 0, **parts}
    made = ControlPacket(opcode=opcode, **values)  # type: ignore[arg-type]  # the parts of a test
    return encode_head(made) + encode_body(made)


def reset(**parts: object) -> bytes:
    return packet(Opcode.RESET_SERVER, **{"acks": (0,), "peer_session_id": OURS, **parts})


def answered(payload: bytes = b"") -> ControlChannel:
    channel = ControlChannel(Plain(), OURS)
    channel.flush(0.0)
    assert channel.receive(reset(payload=payload), 0.1)
    return channel


def read(data: bytes) -> ControlPacket:
    return decode(*Plain().unwrap(data))


def test_a_session_begins_with_a_reset_each_way() -> None:
    channel = ControlChannel(Plain(), OURS)
    (first,) = channel.flush(0.0)
    assert read(first).opcode is Opcode.RESET_CLIENT
    assert channel.peer_session_id is None
    assert channel.receive(reset(), 0.25)
    assert channel.answered
    assert channel.round_trip == 0.25
    (ack,) = channel.flush(0.25)
    assert (read(ack).opcode, read(ack).acks, read(ack).peer_session_id) == (Opcode.ACK, (0,), THEIRS)


def test_tls_goes_out_in_pieces_that_fit_and_comes_in_whole() -> None:
    channel = answered()
    channel.write(bytes(3 * CHUNK))
    sent = [read(data) for data in channel.flush(1.0)]
    assert [len(each.payload) for each in sent if each.opcode is Opcode.CONTROL] == [CHUNK] * 3
    assert [each.packet_id for each in sent if each.opcode is Opcode.CONTROL] == [1, 2, 3]
    for number in (2, 1, 1):
        channel.receive(packet(Opcode.CONTROL, packet_id=number, payload=bytes((number,))), 1.0)
    assert channel.read() == b"\x01\x02"
    assert not channel.settled
    channel.receive(packet(Opcode.ACK, packet_id=None, acks=(1, 2, 3), peer_session_id=OURS), 1.2)
    assert channel.settled


@pytest.mark.parametrize(
    "data",
    [
        packet(Opcode.RESET_SERVER),
        packet(Opcode.CONTROL, acks=(0,), peer_session_id=OURS),
        reset(peer_session_id=b"somebody"),
        reset(key_id=1),
        packet(Opcode.SOFT_RESET),
        b"",
        b"HTTP/1.1 400 Bad Request",
    ],
)
def test_what_is_no_answer_changes_nothing(data: bytes) -> None:
    channel = ControlChannel(Plain(), OURS)
    assert not channel.receive(data, 0.0)
    assert not channel.answered
    assert channel.ignored == 1


def test_another_server_cannot_speak_into_a_session() -> None:
    channel = answered()
    assert not channel.receive(packet(Opcode.CONTROL, session_id=b"somebody", packet_id=1), 1.0)
    assert channel.read() == b""


def test_the_wrapped_key_is_sent_again_where_the_server_asks_for_it() -> None:
    key, wrapped = parse_client_key(RECORDED["client_key_v2"])
    wrapping: Wrapping = TlsCryptV2(key, wrapped, second=1)
    channel = ControlChannel(wrapping, OURS)
    (first,) = channel.flush(0.0)
    assert first[0] >> 3 == Opcode.RESET_CLIENT_V3
    channel._wrapping = Plain()
    channel.receive(reset(payload=struct.pack("!HHH", 1, 2, 1)), 0.1)
    channel._wrapping = wrapping
    channel.write(bytes(CHUNK))
    opcodes = [data[0] >> 3 for data in channel.flush(0.2)]
    assert opcodes[:2] == [Opcode.CONTROL_WKC, Opcode.CONTROL]
    assert all(len(data) <= 1232 for data in channel.flush(5.0))


@given(st.lists(st.binary(max_size=80), max_size=20))
def test_no_octets_raise(data: list[bytes]) -> None:
    channel = answered()
    for each in data:
        with suppress(AssertionError):
            channel.receive(each, 1.0)
    channel.flush(2.0)
