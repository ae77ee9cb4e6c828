"""Headers and chains of payloads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.message import (
    HEADER_BYTES,
    MOST_PAYLOADS,
    Header,
    Message,
    Payload,
    pack_clear,
    pack_payloads,
    parse_clear,
    parse_header,
    parse_payloads,
)
from circumvent.vpn.ikev2.numbers import Exchange, Flag, Kind
from tests.vpn.ikev2.vectors import NAMES, RUNS

HEADER = Header(
    initiator_spi=b"12345678",
    responder_spi=b"abcdefgh",
    next_payload=0,
    exchange=Exchange.IKE_SA_INIT,
    flags=Flag.RESPONSE,
    message_id=7,
)
CLEAR = [kind for kind in Kind if kind not in (Kind.NONE, Kind.SK, Kind.SKF)]
PAYLOADS = st.builds(Payload, st.sampled_from(CLEAR), st.binary(max_size=40))


@given(st.lists(PAYLOADS, max_size=8))
def test_what_is_written_is_read_again(payloads: list[Payload]) -> None:
    message = parse_clear(pack_clear(HEADER, payloads))
    assert list(message.payloads) == payloads
    assert (message.header.message_id, message.header.is_response) == (7, True)


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_messages_of_both_sides_of_a_real_exchange(run: dict[str, dict[str, str]]) -> None:
    for text in run["messages"].values():
        message = parse_clear(bytes.fromhex(text))
        assert {Kind.SA, Kind.KE, Kind.NONCE} <= {payload.kind for payload in message.payloads}


def test_payloads_are_found_by_their_type() -> None:
    message = Message(HEADER, (Payload(Kind.CERT, b"1"), Payload(Kind.NONCE, b"n"), Payload(Kind.CERT, b"2")))
    assert (message.first(Kind.CERT), message.all(Kind.CERT)) == (b"1", [b"1", b"2"])
    assert message.require(Kind.NONCE) == b"n"
    with pytest.raises(IkeError, match="no KE payload"):
        message.require(Kind.KE)


def test_unknown_payloads_are_passed_over_unless_they_are_critical() -> None:
    data = bytes([Kind.NONCE, 0, 0, 5, 1, 0, 0, 0, 5, 2])
    assert parse_payloads(200, data) == (Payload(Kind.NONCE, b"\2"),)
    with pytest.raises(IkeError, match="critical"):
        parse_payloads(200, bytes([Kind.NONCE, 0x80, *data[2:]]))


def test_nothing_follows_a_sealed_payload() -> None:
    sealed = bytes([Kind.NONCE, 0, 0, 6, 1, 2])
    assert parse_payloads(Kind.SK, sealed) == (Payload(Kind.SK, b"\1\2"),)
    with pytest.raises(IkeError):
        parse_payloads(Kind.SK, sealed + bytes(4))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(HEADER_BYTES - 1),
        HEADER.pack(HEADER_BYTES + 1),
        HEADER.pack(HEADER_BYTES) + b"x",
        HEADER.pack(HEADER_BYTES)[:17] + b"\x10" + HEADER.pack(HEADER_BYTES)[18:],
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(IkeError):
        parse_header(data)


def test_a_chain_has_an_end() -> None:
    many = [Payload(Kind.VENDOR, b"")] * (MOST_PAYLOADS + 1)
    with pytest.raises(IkeError, match="too many"):
        parse_payloads(Kind.VENDOR, pack_payloads(many))
    for data in (b"\0\0\0\3", b"\0\0\0\5", b"\0\0", b"\0\0\0\4\0"):
        with pytest.raises(IkeError):
            parse_payloads(Kind.VENDOR, data)


@given(st.integers(0, 255), st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(first: int, data: bytes) -> None:
    for read in (lambda: parse_payloads(first, data), lambda: parse_clear(data)):
        try:
            read()
        except IkeError:
            continue
