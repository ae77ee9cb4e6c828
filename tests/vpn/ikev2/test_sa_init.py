"""The first exchange: cookies, groups, choices, and what is no answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError, Notified
from circumvent.vpn.ikev2.keys import nat_hash
from circumvent.vpn.ikev2.message import Payload, pack_clear, parse_clear
from circumvent.vpn.ikev2.numbers import Group, Kind, Notify
from circumvent.vpn.ikev2.payloads import Notification, notifications, parse_ke
from circumvent.vpn.ikev2.sa_init import MOST_REQUESTS, SaInit
from tests.vpn.ikev2.responder import DESTINATION, OFFER, Responder, agreed


def take(init: SaInit, data: bytes) -> object:
    message = init.answers(data)
    assert message is not None
    return init.take(message, data)


def test_both_sides_have_the_same_keys() -> None:
    sa, _ = agreed()
    assert sa.secured.fragments
    assert sa.secured.hashes == frozenset({2})
    assert sa.secured.first_request != sa.secured.first_response
    assert not agreed(Responder(fragments=False))[0].secured.fragments


def test_the_request_says_what_it_should() -> None:
    message = parse_clear(SaInit(OFFER, DESTINATION).request)
    told = {one.number: one.data for one in notifications(message)}
    spis = message.header.initiator_spi, bytes(8)
    assert told[Notify.NAT_DETECTION_DESTINATION_IP] == nat_hash(spis, *DESTINATION)
    assert told[Notify.NAT_DETECTION_SOURCE_IP] != nat_hash(spis, *DESTINATION)
    assert told[Notify.SIGNATURE_HASH_ALGORITHMS] == bytes([0, 2, 0, 3, 0, 4])
    assert Notify.FRAGMENTATION_SUPPORTED in told
    assert len(message.require(Kind.NONCE)) == 32
    without = parse_clear(SaInit(OFFER, DESTINATION, fragments=False).request)
    assert Notify.FRAGMENTATION_SUPPORTED not in {one.number for one in notifications(without)}


def test_a_cookie_goes_back_in_front_of_the_same_request() -> None:
    init, responder = SaInit(OFFER, DESTINATION), Responder()
    before = parse_clear(init.request)
    assert take(init, responder.notify(init.request, Notification(Notify.COOKIE, b"biscuit"))) is None
    after = parse_clear(init.request)
    assert notifications(after)[0] == Notification(Notify.COOKIE, b"biscuit")
    assert after.payloads[0].kind == Kind.NOTIFY
    assert after.payloads[1:] == before.payloads[:4] or after.require(Kind.NONCE) == before.require(
        Kind.NONCE
    )
    assert after.require(Kind.KE) == before.require(Kind.KE)
    assert take(init, responder.init(init.request)) is not None
    assert init.wanted == ["cookie"]


def test_another_group_gets_a_new_public_value() -> None:
    init, responder = SaInit(OFFER, DESTINATION), Responder()
    wanted = Notification(Notify.INVALID_KE_PAYLOAD, bytes([0, Group.ECP_384]))
    assert take(init, responder.notify(init.request, wanted)) is None
    assert parse_ke(parse_clear(init.request).require(Kind.KE))[0] == Group.ECP_384
    assert take(init, responder.init(init.request)) is not None
    assert init.wanted == ["group"]


@pytest.mark.parametrize("group", [Group.CURVE25519, Group.MODP_1024, 0])
def test_a_group_that_was_not_offered_or_was_tried_is_a_refusal(group: int) -> None:
    init = SaInit(OFFER, DESTINATION)
    wanted = Notification(Notify.INVALID_KE_PAYLOAD, bytes([0, group]))
    with pytest.raises(Notified) as caught:
        take(init, Responder().notify(init.request, wanted))
    assert caught.value.code == Notify.INVALID_KE_PAYLOAD


def test_a_peer_that_always_wants_another_cookie_is_left() -> None:
    init, responder = SaInit(OFFER, DESTINATION), Responder()
    for number in range(1, MOST_REQUESTS):
        take(init, responder.notify(init.request, Notification(Notify.COOKIE, bytes([number]))))
    with pytest.raises(IkeError):
        take(init, responder.notify(init.request, Notification(Notify.COOKIE, b"more")))


@pytest.mark.parametrize("cookie", [b"", bytes(65)])
def test_a_cookie_of_impossible_length_is_refused(cookie: bytes) -> None:
    init = SaInit(OFFER, DESTINATION)
    with pytest.raises(IkeError):
        take(init, Responder().notify(init.request, Notification(Notify.COOKIE, cookie)))


def test_an_error_is_told_by_its_number() -> None:
    init = SaInit(OFFER, DESTINATION)
    with pytest.raises(Notified) as caught:
        take(init, Responder().notify(init.request, Notification(Notify.NO_PROPOSAL_CHOSEN)))
    assert caught.value.code == 14


def test_what_answers_something_else_is_no_answer() -> None:
    init, other = SaInit(OFFER, DESTINATION), SaInit(OFFER, DESTINATION)
    answer = Responder().init(init.request)
    assert init.answers(answer) is not None
    assert init.answers(Responder().init(other.request)) is None
    assert init.answers(init.request) is None
    assert init.answers(answer + b"x") is None
    message = parse_clear(answer)
    for wrong in ({"message_id": 1}, {"exchange": 35}, {"flags": 0}):
        header = replace(message.header, **wrong)  # type: ignore[arg-type]  # fields of the header
        assert init.answers(pack_clear(header, message.payloads)) is None


@pytest.mark.parametrize("left_out", [Kind.SA, Kind.KE, Kind.NONCE])
def test_an_answer_without_one_of_its_parts_is_refused(left_out: Kind) -> None:
    init = SaInit(OFFER, DESTINATION)
    message = parse_clear(Responder().init(init.request))
    data = pack_clear(message.header, [one for one in message.payloads if one.kind != left_out])
    with pytest.raises(IkeError):
        take(init, data)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.KE, bytes([0, 19, 0, 0]) + bytes(64)),
        (Kind.NONCE, bytes(15)),
        (Kind.NONCE, bytes(257)),
        (Kind.KE, bytes([0, 31, 0, 0]) + bytes(32)),
    ],
)
def test_an_answer_that_contradicts_itself_is_refused(kind: Kind, body: bytes) -> None:
    init = SaInit(OFFER, DESTINATION)
    message = parse_clear(Responder().init(init.request))
    payloads = [Payload(kind, body) if one.kind == kind else one for one in message.payloads]
    with pytest.raises(IkeError):
        take(init, pack_clear(message.header, payloads))


@given(st.binary(max_size=300))
def test_any_bytes_are_no_answer(data: bytes) -> None:
    assert SaInit(OFFER, DESTINATION).answers(data) is None


@given(st.lists(st.tuples(st.sampled_from(list(Kind)[1:]), st.binary(max_size=40)), max_size=6))
def test_any_payloads_are_an_answer_or_the_one_error(parts: list[tuple[Kind, bytes]]) -> None:
    init = SaInit(OFFER, DESTINATION)
    message = parse_clear(init.request)
    header = replace(message.header, flags=0x20, responder_spi=b"abcdefgh")
    data = pack_clear(header, [Payload(kind, body) for kind, body in parts])
    answer = init.answers(data)
    if answer is None:
        return
    try:
        init.take(answer, data)
    except IkeError:
        return
