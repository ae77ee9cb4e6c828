"""What a server's refusal means, in words (RFC 7296, section 3.10.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.net.errors import NetError, PeerError, Refusal
from circumvent.vpn.ikev2.errors import IkeError, LoginFailed, Notified, WrongPeer
from circumvent.vpn.ikev2.numbers import Encr, Notify
from circumvent.vpn.mschapv2 import ERRORS

if TYPE_CHECKING:
    from circumvent.net.trace import OpenStep

#: Refusals of what we are, and of what we asked for (RFC 7296, section 3.10.1): the failure string, and in words.
_MISMATCH: Final = "a mismatch of configurations: NO_PROPOSAL_CHOSEN, none of the algorithms offered will do"
REFUSALS: Final = {
    Notify.AUTHENTICATION_FAILED: (failures.AUTH_REJECTED, "AUTHENTICATION_FAILED"),
    Notify.NO_PROPOSAL_CHOSEN: (failures.PROXY_PROTOCOL_ERROR, _MISMATCH),
    Notify.INVALID_KE_PAYLOAD: (
        failures.PROXY_PROTOCOL_ERROR,
        "a mismatch of configurations: INVALID_KE_PAYLOAD, another Diffie-Hellman group is wanted",
    ),
    Notify.TS_UNACCEPTABLE: (
        failures.PROXY_PROTOCOL_ERROR,
        "a mismatch of configurations: TS_UNACCEPTABLE, no traffic of ours is wanted",
    ),
    Notify.SINGLE_PAIR_REQUIRED: (
        failures.PROXY_PROTOCOL_ERROR,
        "a mismatch of configurations: SINGLE_PAIR_REQUIRED",
    ),
    Notify.INTERNAL_ADDRESS_FAILURE: (
        failures.PROXY_PROTOCOL_ERROR,
        "INTERNAL_ADDRESS_FAILURE: the server has no address for us",
    ),
    Notify.FAILED_CP_REQUIRED: (
        failures.PROXY_PROTOCOL_ERROR,
        "a mismatch of configurations: FAILED_CP_REQUIRED",
    ),
    Notify.NO_ADDITIONAL_SAS: (failures.PROXY_PROTOCOL_ERROR, "NO_ADDITIONAL_SAS: the server is full"),
}


def explain(exc: IkeError, *, authenticated: bool, step: OpenStep) -> NetError:
    """Put what went wrong into words; the number of a notification goes into ``step.detail``."""
    if isinstance(exc, LoginFailed):
        if exc.code is not None:
            step.detail["error_code"] = exc.code
        said = ERRORS.get(exc.code or 0)
        words = "the login failed" if said is None else f"the login failed: {said}"
        return _refusal(failures.AUTH_REJECTED, words, exc.authenticated, step)
    if isinstance(exc, Notified):
        step.detail["error_code"] = exc.code
        if exc.code in REFUSALS:
            return _refusal(*REFUSALS[Notify(exc.code)], authenticated, step)
        return PeerError(failures.PROXY_PROTOCOL_ERROR, str(exc))
    if isinstance(exc, WrongPeer):
        return PeerError(failures.WRONG_KEY, str(exc))
    return PeerError(failures.WRONG_ANSWER, str(exc))


def _refusal(error: str, detail: str, authenticated: bool, step: OpenStep) -> Refusal:
    step.detail["authenticated"] = authenticated
    return Refusal(error, detail, authenticated=authenticated)


def suite_word(encr: Encr, key_length: int) -> str:
    """Name an encryption as people know it: ``aes256gcm16``."""
    if encr is Encr.CHACHA20_POLY1305:
        return "chacha20poly1305"
    return f"aes{key_length}gcm16" if encr is Encr.AES_GCM_16 else f"aes{key_length}"
