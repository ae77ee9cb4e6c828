"""What stands in payloads."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.message import Header, Message, Payload
from circumvent.vpn.ikev2.numbers import Kind, Notify
from circumvent.vpn.ikev2.payloads import (
    EVERYTHING,
    Notification,
    Proposal,
    Selector,
    Transform,
    deletes,
    notifications,
    pack_cert,
    pack_configuration_request,
    pack_delete_ike,
    pack_ke,
    pack_sa,
    pack_selectors,
    pack_typed,
    parse_cert,
    parse_configuration,
    parse_ke,
    parse_notify,
    parse_sa,
    parse_selectors,
    parse_typed,
)

TRANSFORMS = st.builds(
    Transform, st.integers(0, 255), st.integers(0, 0xFFFF), st.none() | st.integers(0, 0xFFFF)
)
PROPOSALS = st.builds(
    Proposal,
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=8),
    st.lists(TRANSFORMS, max_size=5).map(tuple),
)


@given(st.lists(PROPOSALS, max_size=4).map(tuple))
def test_proposals(proposals: tuple[Proposal, ...]) -> None:
    assert parse_sa(pack_sa(proposals)) == proposals


def test_a_transform_with_something_unknown_is_no_choice() -> None:
    one = Proposal(1, 1, b"", (Transform(1, 12, 256),))
    body = bytearray(pack_sa((one,)))
    body[-4:] = struct.pack("!HH", 0x8001, 256)
    with pytest.raises(IkeError, match="unknown attribute"):
        parse_sa(bytes(body))
    with pytest.raises(IkeError, match="another number"):
        parse_sa(bytes([*pack_sa((one,))[:7], 2, *pack_sa((one,))[8:]]))


@given(st.integers(0, 0xFFFF), st.binary(max_size=20), st.integers(0, 255), st.binary(max_size=8))
def test_notifications(number: int, data: bytes, protocol: int, spi: bytes) -> None:
    one = Notification(number, data, protocol, spi)
    assert parse_notify(one.pack()) == one
    assert one.is_error is (number < 16384)


def test_notifications_of_a_message() -> None:
    header = Header(
        initiator_spi=bytes(8), responder_spi=bytes(8), next_payload=0, exchange=34, flags=0, message_id=0
    )
    told = [Notification(Notify.COOKIE, b"c"), Notification(Notify.NO_PROPOSAL_CHOSEN)]
    message = Message(header, tuple(Payload(Kind.NOTIFY, one.pack()) for one in told))
    assert notifications(message) == told


def test_small_payloads() -> None:
    assert parse_ke(pack_ke(31, b"public")) == (31, b"public")
    assert parse_typed(pack_typed(2, b"data")) == (2, b"data")
    assert parse_cert(pack_cert(4, b"der")) == (4, b"der")
    assert deletes(pack_delete_ike()) == 1


ADDRESSES = st.ip_addresses()
SELECTORS = ADDRESSES.flatmap(
    lambda first: st.ip_addresses(v=first.version).map(lambda last: Selector(first, last, 17, (53, 54)))
)


@given(st.lists(SELECTORS, max_size=4).map(tuple))
def test_selectors(selectors: tuple[Selector, ...]) -> None:
    assert parse_selectors(pack_selectors(selectors)) == selectors


def test_everything_is_both_families() -> None:
    assert [str(one.last) for one in parse_selectors(pack_selectors(EVERYTHING))] == [
        "255.255.255.255",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ]


def test_selectors_of_unknown_types_are_passed_over() -> None:
    one = pack_selectors((EVERYTHING[0],))[4:]
    strange = struct.pack("!BBHHH", 9, 0, 12, 0, 0) + b"abcd"
    assert parse_selectors(b"\2\0\0\0" + strange + one) == (EVERYTHING[0],)


def test_a_configuration_has_addresses_and_resolvers() -> None:
    def attribute(number: int, value: bytes) -> bytes:
        return struct.pack("!HH", number, len(value)) + value

    body = b"\2\0\0\0" + b"".join(
        [
            attribute(1, bytes([10, 1, 2, 3])),
            attribute(2, bytes([255, 255, 255, 0])),
            attribute(3, bytes([10, 1, 2, 1])),
            attribute(3, bytes([10, 1, 2, 1])),
            attribute(8, ipaddress.ip_address("fd00::7").packed + b"\x40"),
            attribute(10, ipaddress.ip_address("fd00::1").packed),
            attribute(1, b""),
            attribute(28672, b"vendor"),
        ]
    )
    kind, found = parse_configuration(body)
    assert kind == 2
    assert found.addresses == ("10.1.2.3", "fd00::7")
    assert found.resolvers == ("10.1.2.1", "fd00::1")
    assert parse_configuration(pack_configuration_request((1, 3)))[1].addresses == ()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (
        parse_sa,
        parse_ke,
        parse_notify,
        parse_typed,
        parse_cert,
        parse_selectors,
        parse_configuration,
        deletes,
    ):
        try:
            read(data)
        except IkeError:
            continue
