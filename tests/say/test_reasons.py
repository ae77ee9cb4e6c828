"""Why: every failure string and every reason has a clause of its own."""

from __future__ import annotations

import pytest

from circumvent.model import failure as failures
from circumvent.model.record import Failure, Step
from circumvent.model.words import Evidence, Reason, Status
from circumvent.say.reasons import evidence_clause, failure_clause, reason, text_of
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import failed, good, option, waiting

EVERY = sorted(value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str))


def clause(
    error: str, step: str = "connect", seconds: float = 4.0, detail: str | None = None, **facts: str
) -> str:
    failure = Failure(step=step, error=error, detail=detail)
    return failure_clause(
        failure, Step(name=step, t0=1.0, t=1.0 + seconds, failure=failure, detail={**facts})
    )


@pytest.mark.parametrize("error", EVERY)
def test_every_failure_has_a_clause_that_does_not_show_the_machine_word(error: str) -> None:
    said = clause(error)
    assert said
    if error not in {failures.UNKNOWN, failures.BOOTSTRAP_STALLED}:
        assert error not in said
    assert not said.endswith(".")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (clause("connection_reset", "tls_handshake", 0.031), "TLS cut, 31 ms after the name was sent"),
        (clause("connection_reset", "carry"), "cut in the test message"),
        (clause("eof_error", "proxy_handshake"), "closed from the other end in the talk with the proxy"),
        (clause("generic_timeout_error"), "no answer for 4 s"),
        (clause("generic_timeout_error", "tls_handshake"), "the TLS handshake got no answer for 4 s"),
        (clause("generic_timeout_error", seconds=0.2), "no answer for the time allowed"),
        (clause("connection_refused"), "the server is there and this port is closed"),
        (clause("ssl_unknown_authority", "tls_handshake", top_issuer="Firewall CA"), "the certificate is signed by someone unknown: Firewall CA"),
        (clause("ssl_unknown_authority", "tls_handshake"), "the certificate is signed by someone unknown"),
        (clause("truncated_after_n_bytes", "sustain_down", detail="16384 bytes"), "stopped after 16 kB"),
        (clause("truncated_after_n_bytes", "sustain_down"), "stopped midway"),
        (clause("http_unexpected_status_code", "carry", detail="status 503"), "it answered with status 503"),
        (clause("throttled", "sustain_down", detail="48 kbit/s"), "held at 48 kbit/s"),
        (clause("something_new", "secret_handshake"), "it failed in secret handshake (something_new)"),
    ],
)  # fmt: skip
def test_what_people_read(said: str, expected: str) -> None:
    assert said == expected


@pytest.mark.parametrize("why", Reason)
def test_every_reason_for_not_trying_is_said(why: Reason) -> None:
    assert reason(waiting("a", "doh", why))
    assert text_of(waiting("a", "doh", why)).startswith("not tried: ")


def test_the_detail_of_a_reason_says_more_than_the_reason() -> None:
    assert (
        reason(waiting("a", "doh", Reason.NO_FAMILY, reason_detail="this network has no IPv6"))
        == "this network has no IPv6"
    )
    assert (
        reason(waiting("a", "doh", Reason.MISSING_EXTRA, reason_detail="the program tor"))
        == "needs the program tor"
    )


def test_refusals_are_told_in_the_words_of_the_server() -> None:
    refused = failed(
        "a",
        "socks5",
        Status.REFUSED,
        "authenticate",
        "auth_rejected",
        detail="user name or password rejected",
    )
    assert text_of(refused) == "refused: user name or password rejected"
    silent = failed("a", "socks5", Status.REFUSED, "authenticate", "auth_rejected")
    assert text_of(silent) == "refused: the server did not accept the key or password"


def test_works_needs_no_reason() -> None:
    assert text_of(good("a", "doh", 9.0)) == "works"


def test_a_lie_is_told_as_what_it_is() -> None:
    liar = option(
        "a", "dot", Status.DEGRADED, detail={"limit": "wrong_answer", "honesty": "an impossible address"}
    )
    assert text_of(liar) == "gives false answers: an impossible address"


@pytest.mark.parametrize("evidence", [*Evidence, None])
def test_evidence(evidence: Evidence | None) -> None:
    assert bool(evidence_clause(evidence)) is (evidence is not None)


@pytest.mark.parametrize("error", EVERY)
def test_hostile_details_stay_text(error: str) -> None:
    said = clause(error, HOSTILE, detail=HOSTILE, top_issuer=HOSTILE)
    assert raw_in(said) == set()
    assert len(said) < 200
