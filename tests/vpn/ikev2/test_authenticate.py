"""IKE_AUTH against a server that says what a real one never would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret
from circumvent.vpn.ikev2 import auth
from circumvent.vpn.ikev2.authenticate import Authentication, Established, Login
from circumvent.vpn.ikev2.errors import IkeError, LoginFailed, Notified, WrongPeer
from circumvent.vpn.ikev2.identity import identity
from circumvent.vpn.ikev2.message import Header, Message, Payload
from circumvent.vpn.ikev2.numbers import X509, Kind, Notify, Protocol
from circumvent.vpn.ikev2.payloads import (
    EVERYTHING,
    Notification,
    Proposal,
    Transform,
    pack_cert,
    pack_sa,
    pack_selectors,
)
from circumvent.vpn.ikev2.suites import esp_offer
from tests.vpn.ikev2.responder import Responder, agreed
from tests.vpn.ikev2.test_eap import challenge, packet, success

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.vpn.ikev2.identity import Identity

HEADER = Header(
    initiator_spi=bytes(8), responder_spi=bytes(8), next_payload=0, exchange=35, flags=0x20, message_id=1
)
NAME = identity("vpn.example.com")
KEY = ec.generate_private_key(ec.SECP256R1())
ESP = (Transform(1, 20, 256), Transform(5, 0))
CHILD = [
    Payload(Kind.SA, pack_sa((Proposal(1, Protocol.ESP, b"\xc0\1\2\3", ESP),))),
    Payload(Kind.CP, b"\2\0\0\0" + bytes([0, 1, 0, 4, 10, 1, 2, 3])),
    Payload(Kind.TSI, pack_selectors((EVERYTHING[0],))),
    Payload(Kind.TSR, pack_selectors(EVERYTHING)),
]
PSK = Login(local=identity("me"), psk=Secret("shared"))


def judge(_: Identity, chain: Sequence[bytes]) -> auth.PublicKey:
    """Believe in the one key, and in nothing else."""
    assert chain == [b"certificate"]
    return KEY.public_key()


def eap(**more: Any) -> Login:
    return Login(
        local=identity("anna"), user=Secret("anna"), password=Secret("clientPass"), judge=judge, **more
    )


def message(*payloads: Payload) -> Message:
    return Message(HEADER, payloads)


def start(login: Login) -> tuple[Authentication, Responder, list[Payload]]:
    sa, responder = agreed()
    run = Authentication(sa, login, esp_offer(()))
    return run, responder, run.begin()


def named() -> Payload:
    return Payload(Kind.IDR, NAME.pack())


def signed(responder: Responder, key: ec.EllipticCurvePrivateKey = KEY) -> list[Payload]:
    body = auth.sign(key, responder.octets(NAME.pack()), frozenset({2}))
    return [named(), Payload(Kind.CERT, pack_cert(X509, b"certificate")), Payload(Kind.AUTH, body)]


def error(number: int) -> Payload:
    return Payload(Kind.NOTIFY, Notification(number).pack())


def test_a_shared_key_that_both_have() -> None:
    run, responder, payloads = start(PSK)
    kinds = [payload.kind for payload in payloads]
    assert kinds == [Kind.IDI, Kind.AUTH, Kind.CP, Kind.SA, Kind.TSI, Kind.TSR]
    done = run.take(message(named(), responder.psk_auth(b"shared", NAME.pack()), *CHILD))
    assert isinstance(done, Established)
    assert done.configuration.addresses == ("10.1.2.3",)
    assert (run.authenticated, run.complete, run.method) == (True, True, "psk")


def test_a_server_with_another_shared_key_is_somebody_else() -> None:
    run, responder, _ = start(PSK)
    with pytest.raises(WrongPeer):
        run.take(message(named(), responder.psk_auth(b"other", NAME.pack()), *CHILD))
    assert not run.authenticated


def test_a_server_that_proves_nothing_is_not_believed() -> None:
    for login in (PSK, Login(local=identity("me"), key=KEY, certificates=(b"c",), judge=judge)):
        run, _, _ = start(login)
        with pytest.raises(IkeError):
            run.take(message(named(), *CHILD))
        run, _, _ = start(login)
        with pytest.raises(IkeError):
            run.take(message(*CHILD))
        assert not run.authenticated


def test_our_own_proof_sent_back_is_none() -> None:
    run, _, payloads = start(PSK)
    own = next(payload for payload in payloads if payload.kind == Kind.AUTH)
    with pytest.raises(WrongPeer):
        run.take(message(named(), own, *CHILD))


def test_the_name_must_be_the_profile_s() -> None:
    login = Login(local=identity("me"), psk=Secret("shared"), remote=identity("other.example.com"))
    run, responder, payloads = start(login)
    assert payloads[1] == Payload(Kind.IDR, identity("other.example.com").pack())
    with pytest.raises(WrongPeer):
        run.take(message(named(), responder.psk_auth(b"shared", NAME.pack()), *CHILD))


def test_a_certificate_on_both_sides() -> None:
    login = Login(
        local=identity("me"),
        key=KEY,
        certificates=(b"mine",),
        judge=judge,
        authorities=(b"a" * 20, b"b" * 20),
    )
    run, responder, payloads = start(login)
    assert Payload(Kind.CERT, b"\4mine") in payloads
    assert Payload(Kind.CERTREQ, b"\4" + b"a" * 20 + b"b" * 20) in payloads
    assert isinstance(run.take(message(*signed(responder), *CHILD)), Established)
    assert run.method == "signature"


def test_a_signature_by_another_key_is_somebody_else() -> None:
    run, responder, _ = start(eap())
    stranger = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(WrongPeer):
        run.take(message(*signed(responder, stranger), Payload(Kind.EAP, packet(1, b"\1"))))
    assert not run.authenticated


def log_in(run: Authentication, responder: Responder) -> bytes:
    """Go as far as the success of EAP, and return the key of both."""
    answer = run.take(message(*signed(responder), Payload(Kind.EAP, challenge())))
    assert isinstance(answer, list)
    (payload,) = answer
    run.take(message(Payload(Kind.EAP, success(payload.body))))
    (last,) = run.take(message(Payload(Kind.EAP, packet(3))))  # type: ignore[misc]  # a list
    assert last.kind == Kind.AUTH
    assert run._eap is not None
    return run._eap.msk


def test_a_whole_login_by_eap() -> None:
    run, responder, payloads = start(eap())
    assert Kind.AUTH not in {payload.kind for payload in payloads}
    msk = log_in(run, responder)
    done = run.take(message(responder.psk_auth(msk, NAME.pack()), *CHILD))
    assert isinstance(done, Established)
    assert run.complete


def test_a_server_whose_last_proof_is_wrong_is_somebody_else() -> None:
    run, responder, _ = start(eap())
    log_in(run, responder)
    with pytest.raises(WrongPeer):
        run.take(message(responder.psk_auth(bytes(64), NAME.pack()), *CHILD))


def test_nobody_gets_a_login_before_they_have_proved_who_they_are() -> None:
    run, _, _ = start(eap())
    with pytest.raises(IkeError, match="before"):
        run.take(message(named(), Payload(Kind.EAP, packet(1, b"\1"))))


def test_eap_only_is_said_and_the_proof_comes_last() -> None:
    run, responder, payloads = start(eap(eap_only=True))
    assert error(Notify.EAP_ONLY_AUTHENTICATION) in payloads
    answer = run.take(message(named(), Payload(Kind.EAP, challenge())))
    run.take(message(Payload(Kind.EAP, success(answer[0].body))))  # type: ignore[index]  # a list
    run.take(message(Payload(Kind.EAP, packet(3))))
    assert not run.authenticated
    assert run._eap is not None
    done = run.take(message(responder.psk_auth(run._eap.msk, NAME.pack()), *CHILD))
    assert isinstance(done, Established)
    assert run.method == "eap"


def test_eap_only_the_name_must_be_the_profile_s_too() -> None:
    run, _, _ = start(eap(eap_only=True, remote=identity("other.example.com")))
    with pytest.raises(WrongPeer):
        run.take(message(named(), Payload(Kind.EAP, challenge())))


def test_a_failed_login_is_told_with_who_said_so() -> None:
    run, responder, _ = start(eap())
    run.take(message(*signed(responder), Payload(Kind.EAP, challenge())))
    with pytest.raises(LoginFailed) as caught:
        run.take(message(Payload(Kind.EAP, packet(4)), error(Notify.AUTHENTICATION_FAILED)))
    assert caught.value.authenticated


def test_an_error_before_any_proof_is_nobody_s() -> None:
    run, _, _ = start(PSK)
    with pytest.raises(Notified) as caught:
        run.take(message(error(Notify.AUTHENTICATION_FAILED)))
    assert (caught.value.code, run.authenticated, run.complete) == (24, False, False)


def test_an_error_beside_a_proof_leaves_an_sa_without_a_child() -> None:
    run, responder, _ = start(PSK)
    proof = responder.psk_auth(b"shared", NAME.pack())
    with pytest.raises(Notified) as caught:
        run.take(message(named(), proof, error(Notify.TS_UNACCEPTABLE)))
    assert (caught.value.code, run.authenticated, run.complete) == (38, True, True)


def test_an_error_beside_a_wrong_proof_is_somebody_else_s() -> None:
    run, responder, _ = start(PSK)
    with pytest.raises(WrongPeer):
        run.take(message(named(), responder.psk_auth(b"x", NAME.pack()), error(Notify.TS_UNACCEPTABLE)))


@pytest.mark.parametrize("left_out", [Kind.SA, Kind.TSI])
def test_a_child_that_is_not_whole_is_refused(left_out: Kind) -> None:
    run, responder, _ = start(PSK)
    child = [payload for payload in CHILD if payload.kind != left_out]
    with pytest.raises(IkeError):
        run.take(message(named(), responder.psk_auth(b"shared", NAME.pack()), *child))


def test_reserved_bytes_of_an_identity_are_part_of_what_is_proved() -> None:
    run, responder, _ = start(PSK)
    body = b"\2\7\7\7vpn.example.com"
    proof = responder.psk_auth(b"shared", body)
    assert isinstance(run.take(message(Payload(Kind.IDR, body), proof, *CHILD)), Established)


PARTS = st.tuples(
    st.sampled_from([Kind.IDR, Kind.CERT, Kind.AUTH, Kind.EAP, Kind.NOTIFY, Kind.SA, Kind.CP, Kind.TSI]),
    st.binary(max_size=30),
)


@given(st.lists(PARTS, max_size=6), st.booleans())
def test_any_payloads_are_refused(parts: list[tuple[Kind, bytes]], shared: bool) -> None:
    sa, _ = _once()
    login = (
        PSK
        if shared
        else Login(
            local=identity("me"), user=Secret("u"), password=Secret("p"), judge=lambda *_: KEY.public_key()
        )
    )
    run = Authentication(sa, login, esp_offer(()))
    run.begin()
    with pytest.raises(IkeError):
        run.take(message(*(Payload(kind, body) for kind, body in parts)))
    assert not run.authenticated


_ONCE: list[Any] = []


def _once() -> Any:
    if not _ONCE:
        _ONCE.append(agreed())
    return _ONCE[0]
