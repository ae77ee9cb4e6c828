"""Packets of SSTP."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.sstp import message
from circumvent.vpn.sstp.message import AttributeId, Control, Data, Deframer, MessageType, SstpError

MS_SSTP: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors" / "ms-sstp-4.json").read_text())


def one(data: bytes) -> Control | Data:
    (packet,) = Deframer().feed(data)
    return packet


def test_the_connect_request_is_that_of_the_specification() -> None:
    assert message.connect_request().hex() == MS_SSTP["connect_request"]


def test_the_acknowledgement_of_the_specification() -> None:
    acknowledgement = one(bytes.fromhex(MS_SSTP["connect_ack_sha256"]))
    assert isinstance(acknowledgement, Control)
    assert acknowledgement.kind == MessageType.CALL_CONNECT_ACK
    request = message.binding_request(acknowledgement)
    assert request.hashes == message.SHA256
    assert request.nonce.hex() == MS_SSTP["connect_ack_sha256"][-64:]


def test_the_opening_names_neither_us_nor_this_device() -> None:
    request = message.opening_request("vpn.example:443", "0" * 8).decode()
    assert request.startswith("SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n")
    assert "Content-Length: 18446744073709551615\r\n" in request
    assert "agent" not in request.lower()


def test_a_status_is_read() -> None:
    status = (AttributeId.STATUS_INFO, bytes(3) + b"\x04" + (4).to_bytes(4, "big"))
    assert Control(MessageType.CALL_ABORT, (status,)).status == 4
    assert Control(MessageType.CALL_ABORT).status is None
    assert Control(MessageType.CALL_ABORT, ((AttributeId.STATUS_INFO, b"\0"),)).status is None


PACKETS = st.one_of(
    st.builds(Data, st.binary(max_size=60)),
    st.builds(
        Control,
        st.integers(0, 0xFFFF),
        st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=4).map(tuple),
    ),
)


@given(st.lists(PACKETS, max_size=6), st.integers(1, 50))
def test_packets_are_read_however_they_come(packets: list[Data | Control], size: int) -> None:
    stream = b"".join(
        message.encode_data(packet.payload) if isinstance(packet, Data) else message.encode_control(packet)
        for packet in packets
    )
    deframer = Deframer()
    assert [
        item for at in range(0, len(stream), size) for item in deframer.feed(stream[at : at + size])
    ] == packets


@pytest.mark.parametrize(
    "data",
    [
        "20000004",
        "10000003",
        "10010006 0001",
        "10010008 0001 0001",
        "10010008 0001 00ff",
        "1001000c 0001 0001 00010003",
        "1001000c 0001 0001 00010009",
    ],
)
def test_what_is_no_packet(data: str) -> None:
    with pytest.raises(SstpError):
        Deframer().feed(bytes.fromhex(data))


@pytest.mark.parametrize(
    "attributes",
    [(), ((4, bytes(35)),), ((4, bytes(37)),), ((4, bytes(36)),), ((4, bytes(3) + b"\x08" + bytes(32)),)],
)
def test_an_acknowledgement_that_binds_nothing(attributes: tuple[tuple[int, bytes], ...]) -> None:
    with pytest.raises(SstpError):
        message.binding_request(Control(MessageType.CALL_CONNECT_ACK, attributes))


def test_what_is_too_large_is_not_sent() -> None:
    with pytest.raises(SstpError):
        message.encode_data(bytes(4092))
    with pytest.raises(SstpError):
        message.encode_control(Control(1, ((1, bytes(5000)),)))
    assert len(message.encode_data(bytes(4091))) == message.LARGEST


@given(st.binary(max_size=120))
def test_any_bytes_are_packets_or_an_error(data: bytes) -> None:
    with suppress(SstpError):
        for packet in Deframer().feed(data):
            if isinstance(packet, Control):
                _ = packet.status
                message.binding_request(packet)
