"""Control messages of L2TP."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.l2tp.control import (
    Attribute,
    Kind,
    L2tpError,
    Message,
    answers,
    pack,
    parse,
    result_code,
    start_request,
    stop,
)

REPLY = Message(
    tunnel=7,
    sent=0,
    expected=1,
    attributes=(
        (Attribute.MESSAGE_TYPE, struct.pack("!H", Kind.SCCRP)),
        (Attribute.ASSIGNED_TUNNEL_ID, struct.pack("!H", 99)),
    ),
)


def test_the_first_message_is_laid_out_as_in_the_rfc() -> None:
    data = start_request(7, b"host")
    assert data[:12] == struct.pack("!HHHHHH", 0xC802, len(data), 0, 0, 0, 0)
    assert data[12:20] == bytes.fromhex("8008 0000 0000 0001")
    message = parse(data)
    assert (message.kind, message.assigned) == (Kind.SCCRQ, 7)
    assert message.get(Attribute.PROTOCOL_VERSION) == b"\1\0"
    assert message.get(Attribute.HOST_NAME) == b"host"


def test_an_answer_is_for_our_tunnel() -> None:
    assert answers(pack(REPLY), 7) == REPLY
    assert answers(pack(REPLY), 8) is None
    assert answers(start_request(7, b"x"), 0) is None
    assert REPLY.assigned == 99


def test_the_last_message_acknowledges_and_stops() -> None:
    message = parse(stop(REPLY, 7))
    assert (message.tunnel, message.sent, message.expected) == (99, 1, 1)
    assert (message.kind, message.assigned, result_code(message)) == (Kind.STOP_CCN, 7, 1)


def test_attributes_of_vendors_and_hidden_ones_are_passed_over() -> None:
    vendor = struct.pack("!HHH", 0x8008, 9, 0) + b"xx"
    hidden = struct.pack("!HHH", 0xC008, 0, 7) + b"xx"
    data = bytearray(pack(REPLY) + vendor + hidden)
    data[2:4] = struct.pack("!H", len(data))
    assert parse(bytes(data)).attributes == REPLY.attributes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        pack(REPLY)[:-1],
        pack(REPLY).replace(b"\xc8\x02", b"\xc8\x03", 1),
        pack(Message(tunnel=1, sent=0, expected=0, attributes=((0, b""),) * 100)),
        pack(REPLY)[:12].replace(b"\x00\x1c", b"\x00\x0e", 1) + b"\x80\x03",
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(L2tpError):
        parse(data)
    assert answers(data, 7) is None


@given(st.binary(max_size=120))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for whole in (data, struct.pack("!HH", 0xC802, 12 + len(data)) + bytes(8) + data):
        try:
            message = parse(whole)
        except L2tpError:
            continue
        assert (message.kind, message.assigned, result_code(message)) is not None
