"""Macs and cookies: given this message and this reply, expect these macs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.wireguard import cookie
from circumvent.vpn.wireguard.cookie import Macs, make_reply, verify_macs
from circumvent.vpn.wireguard.handshake import HandshakeError, public_key

STATIC = public_key(bytes([2]) * 32)
COOKIE, NONCE = bytes([7]) * 16, bytes(range(24))
BODY = b"\x01\0\0\0" + (7).to_bytes(4, "little") + bytes(108)


def test_without_a_cookie_only_the_first_mac_is_there() -> None:
    message = Macs(STATIC).add(BODY, 0.0)
    assert verify_macs(STATIC, message, COOKIE) == (True, False)
    assert message[-16:] == bytes(16)


def test_a_cookie_makes_the_second_mac_of_the_next_message() -> None:
    macs = Macs(STATIC)
    macs.take(make_reply(STATIC, macs.add(BODY, 0.0), cookie=COOKIE, nonce=NONCE), 7, 0.0)
    assert verify_macs(STATIC, macs.add(BODY, 1.0), COOKIE) == (True, True)


def test_a_cookie_grows_old() -> None:
    macs = Macs(STATIC)
    macs.take(make_reply(STATIC, macs.add(BODY, 0.0), cookie=COOKIE, nonce=NONCE), 7, 0.0)
    assert verify_macs(STATIC, macs.add(BODY, cookie.COOKIE_LIFETIME), COOKIE) == (True, False)


def test_a_reply_counts_once_and_for_the_last_message_alone() -> None:
    macs = Macs(STATIC)
    first = make_reply(STATIC, macs.add(BODY, 0.0), cookie=COOKIE, nonce=NONCE)
    last = make_reply(STATIC, macs.add(BODY + b"!", 0.0), cookie=COOKIE, nonce=NONCE)
    with pytest.raises(HandshakeError, match="somebody else"):
        macs.take(first, 7, 0.0)
    macs.take(last, 7, 0.0)
    with pytest.raises(HandshakeError):
        macs.take(last, 7, 0.0)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_no_reply(data: bytes) -> None:
    macs = Macs(STATIC)
    macs.add(BODY, 0.0)
    with pytest.raises(HandshakeError):
        macs.take(data, 7, 0.0)


@pytest.mark.parametrize("place", [0, 5, 20, 40, 63])
def test_a_changed_reply_is_none(place: int) -> None:
    macs = Macs(STATIC)
    reply = bytearray(make_reply(STATIC, macs.add(BODY, 0.0), cookie=COOKIE, nonce=NONCE))
    reply[place] ^= 1
    with pytest.raises(HandshakeError):
        macs.take(bytes(reply), 7, 0.0)
    assert verify_macs(STATIC, macs.add(BODY, 0.0), COOKIE) == (True, False)
