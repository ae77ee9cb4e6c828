"""EAP-MSCHAPv2 against a server that follows the RFC, and against some that do not."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret
from circumvent.vpn import mschapv2
from circumvent.vpn.ikev2.eap import MOST_PACKETS, EapPeer
from circumvent.vpn.ikev2.errors import IkeError, LoginFailed, WrongPeer

CHALLENGE = bytes(range(16))


def packet(code: int, *data: bytes, identifier: int = 9) -> bytes:
    body = b"".join(data)
    return struct.pack("!BBH", code, identifier, 4 + len(body)) + body


def chap(op: int, value: bytes) -> bytes:
    return packet(1, bytes([26, op, 5]) + struct.pack("!H", 4 + len(value)) + value)


def challenge() -> bytes:
    return chap(1, b"\x10" + CHALLENGE + b"server")


def peer() -> EapPeer:
    return EapPeer(Secret("anna"), Secret("clientPass"))


def success(answer: bytes, password: str = "clientPass") -> bytes:
    """Return the server's proof for our answer to its challenge."""
    ours, response = answer[10:26], answer[34:58]
    proof = mschapv2.authenticator_response(response, CHALLENGE, ours, "anna", Secret(password))
    return chap(3, b"S=" + proof.hex().upper().encode() + b" M=welcome")


def take(eap: EapPeer, data: bytes) -> bytes:
    answer = eap.take(data, authenticated=True)
    assert answer is not None
    assert int.from_bytes(answer[2:4], "big") == len(answer)
    return answer


def test_a_whole_conversation() -> None:
    eap = peer()
    assert take(eap, packet(1, b"\1")) == packet(2, b"\1anna")
    assert take(eap, packet(1, b"\2hello")) == packet(2, b"\2")
    assert take(eap, packet(1, b"\x0d\x20")) == packet(2, b"\3\x1a")  # EAP-TLS is offered: we want MS-CHAPv2
    answer = take(eap, challenge())
    assert answer[4:9] == bytes([26, 2, 5]) + struct.pack("!H", len(answer) - 5)
    ours, response = answer[10:26], answer[34:58]
    assert response == mschapv2.challenge_response(CHALLENGE, ours, "anna", Secret("clientPass"))
    assert answer[59:] == b"anna"
    assert take(eap, success(answer)) == packet(2, bytes([26, 3]))
    assert eap.take(packet(3), authenticated=True) is None
    assert eap.msk == mschapv2.session_keys(response, Secret("clientPass")) + bytes(32)
    assert eap.done


def test_a_server_that_does_not_know_the_password_is_somebody_else() -> None:
    eap = peer()
    answer = take(eap, challenge())
    with pytest.raises(WrongPeer):
        eap.take(success(answer, "other"), authenticated=True)


def test_a_failure_is_acknowledged_and_never_answered_with_another_try() -> None:
    eap = peer()
    take(eap, challenge())
    assert take(eap, chap(4, b"E=691 R=1 C=" + b"0" * 32 + b" V=3 M=no")) == packet(2, bytes([26, 4]))
    with pytest.raises(IkeError):
        eap.take(challenge(), authenticated=True)
    with pytest.raises(LoginFailed) as caught:
        eap.take(packet(4), authenticated=True)
    assert (caught.value.code, caught.value.authenticated) == (691, True)


def test_success_without_proof_is_no_success() -> None:
    for before in ((), (challenge(),)):
        eap = peer()
        for data in before:
            take(eap, data)
        with pytest.raises(IkeError):
            eap.take(packet(3), authenticated=True)


def test_a_conversation_has_an_end() -> None:
    eap = peer()
    for _ in range(MOST_PACKETS):
        take(eap, packet(1, b"\2"))
    with pytest.raises(IkeError):
        eap.take(packet(1, b"\2"), authenticated=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1\2",
        packet(1),
        packet(2, b"\1"),
        packet(9, b"\1"),
        packet(1, b"\1") + b"x",
        packet(1, b"\x1a"),
        chap(3, b"S=" + b"0" * 40),
        chap(4, b"E=691"),
        chap(1, b"\x08" + bytes(8)),
        chap(7, b""),
    ],
)
def test_what_is_out_of_order_is_refused(data: bytes) -> None:
    with pytest.raises(IkeError):
        peer().take(data, authenticated=True)


def test_nothing_secret_is_in_a_repr() -> None:
    assert repr(peer()) == "EapPeer()"


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_any_bytes_are_answered_or_refused(packets: list[bytes]) -> None:
    eap = peer()
    for data in packets:
        for whole in (data, packet(1, data), chap(1, data), chap(3, data), chap(4, data)):
            try:
                eap.take(whole, authenticated=False)
            except IkeError:
                continue
