"""Messages under keys, whole and in fragments."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.message import Message, Payload
from circumvent.vpn.ikev2.numbers import Exchange, Flag, Kind
from circumvent.vpn.ikev2.sa import FRAGMENT_BYTES, MOST_FRAGMENTS, IkeSa
from tests.vpn.ikev2.responder import Responder, agreed

SMALL = [Payload(Kind.IDI, b"\2\0\0\0me"), Payload(Kind.AUTH, b"\2\0\0\0" + bytes(32))]
LARGE = [Payload(Kind.CERT, bytes(range(256)) * 12), *SMALL]


def opened(sa: IkeSa, datagrams: list[bytes]) -> Message:
    """Open all datagrams; the message must come with the last one."""
    *before, last = [sa.open(data) for data in datagrams]
    assert before == [None] * len(before)
    assert last is not None
    return last


def test_requests_have_numbers_and_open_at_the_other_side() -> None:
    sa, responder = agreed()
    for expected in (1, 2, 3):
        message_id, (datagram,) = sa.request(Exchange.IKE_AUTH, SMALL)
        assert message_id == expected
        assert list(responder.open(datagram)) == SMALL


def test_large_requests_go_in_fragments_where_that_is_agreed() -> None:
    sa, responder = agreed()
    _, datagrams = sa.request(Exchange.IKE_AUTH, LARGE)
    assert len(datagrams) == 3
    assert max(map(len, datagrams)) <= FRAGMENT_BYTES
    assert list(responder.open_all(datagrams)) == LARGE
    plain, other = agreed(Responder(fragments=False))
    _, (whole,) = plain.request(Exchange.IKE_AUTH, LARGE)
    assert list(other.open(whole)) == LARGE


@pytest.mark.parametrize("pieces", [0, 1, 2, 7])
def test_answers_come_whole_and_in_fragments_in_any_order(pieces: int) -> None:
    sa, responder = agreed()
    datagrams = responder.seal(LARGE, pieces=pieces)
    random.Random(pieces).shuffle(datagrams)
    message = opened(sa, datagrams)
    assert list(message.payloads) == LARGE
    assert (message.header.message_id, message.header.is_response) == (1, True)


def test_a_fragment_that_comes_twice_counts_once() -> None:
    sa, responder = agreed()
    first, second = responder.seal(LARGE, pieces=2)
    assert sa.open(first) is None
    assert sa.open(first) is None
    assert sa.open(second) is not None


def test_a_message_that_is_divided_again_replaces_the_older_division() -> None:
    sa, responder = agreed()
    older, newer = responder.seal(LARGE, pieces=2), responder.seal(LARGE, pieces=3)
    assert sa.open(older[0]) is None
    assert sa.open(newer[0]) is None
    with pytest.raises(IkeError):
        sa.open(older[1])
    assert [sa.open(data) is None for data in newer[1:]] == [True, False]


def test_answers_to_requests_of_the_peer() -> None:
    sa, responder = agreed()
    (request,) = responder.seal([], exchange=Exchange.INFORMATIONAL, flags=0, message_id=0)
    message = sa.open(request)
    assert message is not None
    (answer,) = sa.response(message.header, [])
    assert responder.open(answer) == ()
    assert answer[19] == Flag.INITIATOR | Flag.RESPONSE


def test_what_belongs_to_somebody_else_is_refused() -> None:
    sa, responder = agreed()
    other, stranger = agreed()
    for data in (
        stranger.seal(SMALL)[0],
        responder.seal(SMALL, spi=b"12345678")[0],
        sa.request(Exchange.IKE_AUTH, SMALL)[1][0],
        other.request(Exchange.IKE_AUTH, SMALL)[1][0],
        sa.secured.first_response,
    ):
        with pytest.raises(IkeError):
            sa.open(data)


def test_damage_anywhere_is_found() -> None:
    sa, responder = agreed()
    for data in (responder.seal(SMALL)[0], responder.seal(SMALL, pieces=2)[0]):
        for place in range(len(data)):
            damaged = bytearray(data)
            damaged[place] ^= 0x41
            with pytest.raises(IkeError):
                sa.open(bytes(damaged))


def test_fragments_where_none_were_agreed_are_refused() -> None:
    sa, responder = agreed(Responder(fragments=False))
    with pytest.raises(IkeError):
        sa.open(responder.seal(SMALL, pieces=2)[0])


def test_too_many_fragments_are_refused() -> None:
    sa, responder = agreed()
    many = [Payload(Kind.CERT, bytes(MOST_FRAGMENTS * 20))]
    with pytest.raises(IkeError):
        sa.open(responder.seal(many, pieces=MOST_FRAGMENTS + 1)[0])


@given(st.binary(max_size=200))
def test_any_bytes_do_not_open(data: bytes) -> None:
    sa, _ = agreed_once()
    secured = sa.secured
    spis = secured.initiator_spi + secured.responder_spi
    for kind in (Kind.SK, Kind.SKF, Kind.NONCE):
        head = spis + bytes([kind, 0x20, 35, 0x20]) + bytes(4) + (28 + len(data)).to_bytes(4, "big")
        for message in (data, head + data):
            with pytest.raises(IkeError):
                sa.open(message)


_AGREED: list[tuple[IkeSa, Responder]] = []


def agreed_once() -> tuple[IkeSa, Responder]:
    """Return the same SA each time: keys cost time."""
    if not _AGREED:
        _AGREED.append(agreed())
    return _AGREED[0]
