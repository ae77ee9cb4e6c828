"""Why: one clause for each failure, refusal and reason, as it stands after the word of the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.model.words import Evidence, Reason, Status
from circumvent.say.language import _, later
from circumvent.say.questions import passes
from circumvent.say.tunnels import is_tunnel, passes_nothing, stopped
from circumvent.say.words import kilobytes, reason_sentence, word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.model.record import Failure, Step
    from circumvent.model.report import OptionReport

#: The most characters of a server's own words that are shown.
FOREIGN: Final = 60
#: And of why a login was refused, which most transports say in words of ours.
REFUSAL: Final = 100
#: Clauses that need nothing but the failure string.
_PLAIN: Final = {
    failures.CONNECTION_REFUSED: later("the server is there and this port is closed"),
    failures.HOST_UNREACHABLE: later("no way leads to this address"),
    failures.NETWORK_UNREACHABLE: later("this network has no way to this address"),
    failures.NETWORK_DOWN: later("the network interface is down"),
    failures.ADDRESS_NOT_AVAILABLE: later("this device has no address for it"),
    failures.PERMISSION_DENIED: later("this device forbids it (a firewall here)"),
    failures.MESSAGE_SIZE: later("the packets are too large for this network"),
    failures.DNS_NXDOMAIN: later("its name does not exist, says the resolver"),
    failures.DNS_SERVFAIL: later("the resolver could not answer"),
    failures.DNS_REFUSED: later("the resolver refuses to answer"),
    failures.DNS_NO_ANSWER: later("its name has no address"),
    failures.DNS_BOGON: later("its name leads to an impossible address"),
    failures.DNS_WRONG_QUERY_ID: later("the answer was to another question"),
    failures.DNS_MISBEHAVING: later("the answer was no proper DNS"),
    failures.SSL_INVALID_HOSTNAME: later("the certificate is for another name"),
    failures.SSL_INVALID_CERTIFICATE: later("the certificate is not valid"),
    failures.SSL_EXPIRED: later("the certificate has expired"),
    failures.SSL_NOT_YET_VALID: later("the certificate is not valid yet"),
    failures.QUIC_INCOMPATIBLE_VERSION: later("it speaks another version of QUIC"),
    failures.HTTP_REQUEST_FAILED: later("the HTTP exchange failed"),
    failures.WRONG_KEY: later("someone answered who is not this server"),
    failures.WRONG_ANSWER: later("it answered, and the answer was not true"),
    failures.GEO_REFUSED: later("the server does not serve this country"),
    failures.ORIGIN_DOWN: later("the site behind it is down"),
    failures.CLOCK_SKEW: later("the clocks differ too much"),
    failures.NO_PROXY: later("its broker has no proxy for it just now"),
    failures.PROXY_PROTOCOL_ERROR: later("it does not speak this protocol"),
    failures.PACKET_LOSS: later("too many packets were lost"),
    failures.SOCKS_GENERAL_FAILURE: later("the proxy failed to connect"),
    failures.SOCKS_NOT_ALLOWED: later("the proxy's rules do not allow it"),
    failures.SOCKS_NETWORK_UNREACHABLE: later("the proxy has no way there"),
    failures.SOCKS_HOST_UNREACHABLE: later("the proxy reaches no host"),
    failures.SOCKS_CONNECTION_REFUSED: later("the proxy was turned away"),
    failures.SOCKS_TTL_EXPIRED: later("the proxy got no answer"),
    failures.SOCKS_COMMAND_NOT_SUPPORTED: later("the proxy lacks a command that is needed"),
    failures.SOCKS_ADDRESS_NOT_SUPPORTED: later("the proxy lacks this sort of address"),
    failures.SOCKS_NO_ACCEPTABLE_METHOD: later("the proxy wants another way to sign in"),
    failures.AUTH_REJECTED: later("the server did not accept the key or password"),
}  # fmt: skip
#: Steps as people call them, for "in ...".
_STEP: Final = {
    "resolve": later("the look-up of its name"),
    "connect": later("the connect"),
    "tls_handshake": later("the TLS handshake"),
    "quic_handshake": later("the QUIC handshake"),
    "proxy_handshake": later("the talk with the proxy"),
    "tunnel_handshake": later("the handshake of the tunnel"),
    "broker": later("the talk with the broker"),
    "rendezvous": later("the talk with the broker"),
    "stun": later("the talk with the STUN servers"),
    "ice": later("finding a way to the proxy"),
    "data_channel": later("opening the data channel"),
    "authenticate": later("signing in"),
    "carry": later("the test message"),
    "sustain_down": later("the download"),
    "sustain_up": later("the upload"),
    "meek_poll": later("the first request through the front"),
    "inner_tls": later("the TLS handshake behind the front"),
    "ask": later("the question"),
}


def reason(option: OptionReport) -> str:
    """Return why an option has its verdict, as a clause; empty if the word says all."""
    if option.status is Status.NOT_RUN:
        return _not_run(option)
    if option.status is Status.DEGRADED and option.detail.get("limit") == "wrong_answer":
        return sanitise(str(option.detail.get("honesty") or _(_PLAIN[failures.WRONG_ANSWER])), FOREIGN)
    if option.status is Status.REFUSED:
        return _refused(option)
    if option.failure is None:
        return ""
    if passes_nothing(option):
        return _("it connects, and nothing passes through it")
    clause = stopped(option) or failure_clause(option.failure, _failed_step(option))
    return "; ".join(filter(None, (clause, passes(option))))


def text_of(option: OptionReport) -> str:
    """Return word and reason, which is what a report keeps as ``text``."""
    clause = reason(option)
    return f"{word(option)}: {clause}" if clause else word(option)


def failure_clause(failure: Failure, step: Step | None = None) -> str:
    """Say a failure."""
    error = failure.error
    if error in {failures.GENERIC_TIMEOUT, failures.TIMED_OUT}:
        return _silence(failure, step)
    if error in {failures.CONNECTION_RESET, failures.CONNECTION_ABORTED, failures.EOF}:
        return _cut(failure, step)
    if error == failures.SSL_UNKNOWN_AUTHORITY:
        return _unknown_authority(step)
    if error == failures.TRUNCATED:
        return _truncated(failure)
    if error == failures.HTTP_UNEXPECTED_STATUS:
        return _("it answered with {what}").format(what=_foreign(failure.detail) or _("another HTTP status"))
    if error == failures.SSL_FAILED_HANDSHAKE:
        return _("the TLS handshake failed ({what})").format(
            what=_foreign(failure.detail) or _("no reason given")
        )
    if error == "throttled":
        return _("held at {rate}").format(rate=_foreign(failure.detail))
    if error in _PLAIN:
        return _(_PLAIN[error])
    return _("it failed in {step} ({error})").format(step=_step(failure.step), error=_foreign(error))


def _silence(failure: Failure, step: Step | None) -> str:
    seconds = step.t - step.t0 if step is not None else None
    waited = f"{seconds:.0f} s" if seconds is not None and seconds >= 1 else _("the time allowed")
    if failure.step == "connect":
        return _("no answer for {time}").format(time=waited)
    return _("{step} got no answer for {time}").format(step=_step(failure.step), time=waited)


def _cut(failure: Failure, step: Step | None) -> str:
    if failure.step == "tls_handshake" and failure.error == failures.CONNECTION_RESET and step is not None:
        return _("TLS cut, {n} ms after the name was sent").format(n=round((step.t - step.t0) * 1000))
    if failure.error == failures.EOF:
        return _("closed from the other end in {step}").format(step=_step(failure.step))
    return _("cut in {step}").format(step=_step(failure.step))


def _unknown_authority(step: Step | None) -> str:
    issuer = None
    if step is not None:
        issuer = step.detail.get("top_issuer") or step.detail.get("issuer")
    if not isinstance(issuer, str) or not issuer:
        return _("the certificate is signed by someone unknown")
    return _("the certificate is signed by someone unknown: {name}").format(name=_foreign(issuer))


def _truncated(failure: Failure) -> str:
    digits = "".join(filter(str.isdigit, failure.detail or ""))[:12]
    return _("stopped after {size}").format(size=kilobytes(int(digits))) if digits else _("stopped midway")


def _refused(option: OptionReport) -> str:
    """Say what the server said; else what its refusal means."""
    if option.failure is None:
        return _("the server said no")
    if is_tunnel(option):
        return _refused_tunnel(option, option.failure)
    return _foreign(option.failure.detail) or _(_PLAIN.get(option.failure.error, "the server said no"))


def _refused_tunnel(option: OptionReport, failure: Failure) -> str:
    """Say that a login was refused, and by whom: a refusal before the server proved itself may be anybody's."""
    said = sanitise(failure.detail or "", REFUSAL) or _(_PLAIN.get(failure.error, "the server said no"))
    if option.detail.get("authenticated") is False:
        return _("something at this address said no: {what}").format(what=said)
    return said


def _not_run(option: OptionReport) -> str:
    clause = reason_sentence(option.reason) if option.reason is not None else _("it was not its turn")
    detail = _foreign(option.reason_detail)
    if option.reason is Reason.MISSING_EXTRA and detail:
        return _("needs {name}").format(name=detail)
    if option.reason in {Reason.CLOCK, Reason.IN_USE} and detail:
        return f"{clause} ({detail})"
    return "; ".join(filter(None, (detail or clause, passes(option))))


def evidence_clause(evidence: Evidence | None) -> str:
    """Say what a block rests on."""
    return {
        Evidence.FORGED: _("shown by a false answer or certificate"),
        Evidence.SAME_ADDRESS: _("the same address answers to another name"),
        Evidence.SECOND_VANTAGE: _("it answers when asked from elsewhere"),
        Evidence.CLASS: _("this network does so to its whole kind"),
        None: "",
    }[evidence]


def _failed_step(option: OptionReport) -> Step | None:
    """Return the step in which the option's failure happened, from its latest attempt of that sort."""
    for attempt in reversed(option.attempts):
        if attempt.failure is None or option.failure is None or not attempt.counted:
            continue
        if (attempt.failure.step, attempt.failure.error) == (option.failure.step, option.failure.error):
            return attempt.step(option.failure.step)
    return None


def _step(name: str) -> str:
    return _(_STEP[name]) if name in _STEP else sanitise(name.replace("_", " "), 30)


def _foreign(text: str | None) -> str:
    return sanitise(text or "", FOREIGN)
