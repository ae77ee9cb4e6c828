"""What a server's refusal becomes."""

from __future__ import annotations

import pytest

from circumvent.net.errors import PeerError, Refusal
from circumvent.net.trace import OpenStep
from circumvent.transports.ikev2_words import explain, suite_word
from circumvent.vpn.ikev2.errors import IkeError, LoginFailed, Notified, WrongPeer
from circumvent.vpn.ikev2.numbers import Encr, Notify


@pytest.mark.parametrize("authenticated", [True, False])
@pytest.mark.parametrize(
    ("code", "error"),
    [
        (Notify.AUTHENTICATION_FAILED, "auth_rejected"),
        (Notify.NO_PROPOSAL_CHOSEN, "proxy_protocol_error"),
        (Notify.INVALID_KE_PAYLOAD, "proxy_protocol_error"),
        (Notify.TS_UNACCEPTABLE, "proxy_protocol_error"),
        (Notify.FAILED_CP_REQUIRED, "proxy_protocol_error"),
        (Notify.INTERNAL_ADDRESS_FAILURE, "proxy_protocol_error"),
        (Notify.SINGLE_PAIR_REQUIRED, "proxy_protocol_error"),
        (Notify.NO_ADDITIONAL_SAS, "proxy_protocol_error"),
    ],
)
def test_a_no_of_the_protocol_s_own_words_is_a_refusal(code: Notify, error: str, authenticated: bool) -> None:
    step = OpenStep("authenticate", 0.0)
    found = explain(Notified(code), authenticated=authenticated, step=step)
    assert isinstance(found, Refusal)
    assert (found.error, found.authenticated) == (error, authenticated)
    assert code.name in (found.detail or "")
    assert step.detail == {"error_code": code, "authenticated": authenticated}


@pytest.mark.parametrize("code", [Notify.INVALID_SYNTAX, Notify.TEMPORARY_FAILURE, 8191])
def test_any_other_error_is_no_refusal(code: int) -> None:
    found = explain(Notified(code), authenticated=True, step=OpenStep("authenticate", 0.0))
    assert not isinstance(found, Refusal)
    assert (found.error, found.detail) == ("proxy_protocol_error", f"error notification {code}")


def test_a_failed_login_has_the_number_of_ms_chap() -> None:
    step = OpenStep("authenticate", 0.0)
    found = explain(LoginFailed(691, authenticated=True), authenticated=False, step=step)
    assert isinstance(found, Refusal)
    assert (found.error, found.authenticated) == ("auth_rejected", True)
    assert step.detail == {"error_code": 691, "authenticated": True}
    assert found.detail == "the login failed: name or password is wrong"
    silent = explain(LoginFailed(None, authenticated=False), authenticated=False, step=step)
    assert silent.detail == "the login failed"


def test_somebody_else_and_nonsense() -> None:
    step = OpenStep("authenticate", 0.0)
    assert explain(WrongPeer("x"), authenticated=False, step=step).error == "wrong_key"
    nonsense = explain(IkeError("x"), authenticated=False, step=step)
    assert isinstance(nonsense, PeerError)
    assert (nonsense.error, step.detail) == ("wrong_answer", {})


def test_encryptions_have_the_names_people_know() -> None:
    assert suite_word(Encr.AES_GCM_16, 256) == "aes256gcm16"
    assert suite_word(Encr.AES_CBC, 128) == "aes128"
    assert suite_word(Encr.CHACHA20_POLY1305, 0) == "chacha20poly1305"
