"""The words for machine values: mark and word of a status, sentences for states and proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.words import Evidence, NetworkState, Proof, Reason, Scope, Status
from circumvent.say.language import _

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

#: Statuses of options that have no verdict yet, in the live view only.
TRYING: Final = "o"
WAITING: Final = "."


def mark(option: OptionReport) -> str:
    """Return the one-character ASCII mark of an option's verdict."""
    if option.status is Status.DEGRADED and option.detail.get("limit") == "wrong_answer":
        return "x"
    return {
        Status.WORKS: "+",
        Status.DEGRADED: "~",
        Status.UNSTABLE: "~",
        Status.BLOCKED: "x",
        Status.UNREACHABLE: "?",
        Status.REFUSED: "!",
        Status.NOT_RUN: "-",
    }[option.status]


def word(option: OptionReport) -> str:
    """Return the word for an option's verdict, at most 19 cells."""
    match option.status:
        case Status.WORKS:
            return _("works (short)") if option.proof is Proof.CARRIED else _("works")
        case Status.UNSTABLE:
            return _("works sometimes")
        case Status.DEGRADED:
            return _degraded(option)
        case Status.BLOCKED:
            return _("likely blocked") if option.evidence is Evidence.CLASS else _("blocked")
        case Status.REFUSED:
            return _("refused")
        case Status.UNREACHABLE:
            return _("no answer")
        case Status.NOT_RUN:
            return _("not tried")


def status_word(status: Status) -> str:
    """Return the word for a status alone, without what an option's details add."""
    return {
        Status.WORKS: _("works"),
        Status.DEGRADED: _("works with limits"),
        Status.UNSTABLE: _("works sometimes"),
        Status.BLOCKED: _("blocked"),
        Status.UNREACHABLE: _("no answer"),
        Status.REFUSED: _("refused"),
        Status.NOT_RUN: _("not tried"),
    }[status]


def _degraded(option: OptionReport) -> str:
    match option.detail.get("limit"):
        case "wrong_answer":
            return _("gives false answers")
        case "cut":
            return _("cut after {size}").format(size=kilobytes(int(option.detail.get("cut_bytes") or 0)))
        case "partly":
            return _("works partly")
        case _:
            return _("works slowly")


def state_sentence(state: NetworkState) -> str:
    """Return the first line of the end screen."""
    return {
        NetworkState.OPEN: _("No filtering seen."),
        NetworkState.FILTERED: _("This network filters some connections."),
        NetworkState.NATIONAL_ONLY: _("Only domestic sites answer."),
        NetworkState.CAPTIVE_PORTAL: _("This network wants you to sign in first."),
        NetworkState.LOCAL_ONLY: _("Your router answers; nothing beyond it does."),
        NetworkState.OFFLINE: _("This device is offline."),
        NetworkState.UNKNOWN: _("What this network does could not be decided."),
    }[state]


def proof_sentence(proof: Proof) -> str:
    """Say how far an attempt got."""
    return {
        Proof.NONE: _("nothing answered"),
        Proof.REACHED: _("something answered"),
        Proof.HANDSHAKEN: _("the server proved itself"),
        Proof.CARRIED: _("a test message came back right"),
        Proof.SUSTAINED: _("64 kB each way passed"),
    }[proof]


def scope_heading(scope: Scope) -> str:
    """Return the heading of a scope in the ranked table."""
    return {
        Scope.SYSTEM: _("For all apps"),
        Scope.PROXY: _("For apps with a proxy setting"),
        Scope.APP: _("For one app"),
        Scope.DIRECT: _("Without a tunnel: enough for sites blocked by name"),
        Scope.NAMES: _("For names only: repairs false DNS answers, hides no traffic"),
        Scope.VOICE: _("For calls"),
    }[scope]


def reason_sentence(reason: Reason) -> str:
    """Say why an option was not tried."""
    return {
        Reason.BUDGET: _("the data limit was used up"),
        Reason.DEADLINE: _("the time was used up"),
        Reason.MISSING_EXTRA: _("a program or an extra is missing"),
        Reason.UNSUPPORTED: _("this version does not speak it"),
        Reason.UNSAFE: _("it points into a private network"),
        Reason.POISONED: _("our own probes had set off a penalty"),
        Reason.IN_USE: _("it is in use on this device; --anyway tries it"),
        Reason.NEEDS_CONSENT: _("it was not agreed to"),
        Reason.OFFLINE: _("this device is offline"),
        Reason.NO_FAMILY: _("this network lacks its address family"),
        Reason.CLOCK: _("this device's clock is wrong; --anyway tries it"),
        Reason.NAME_PRIVATE: _("looking its name up would show it to your provider"),
        Reason.ENOUGH: _("enough others work"),
        Reason.NO_TERMINAL: _("no terminal on this network"),
        Reason.INTERRUPTED: _("the check was stopped"),
    }[reason]


def confidence_word(confidence: float) -> str | None:
    """Return how sure a finding is, ``None`` if it is not shown."""
    if confidence >= 0.9:
        return _("clear")
    if confidence >= 0.7:
        return _("likely")
    return _("possible") if confidence >= 0.5 else None


def tries(option: OptionReport) -> str:
    """Return ``2 of 3``.

    Counts, never percent: tries of one run share a minute and a path.
    """
    return _("{ok} of {n}").format(ok=option.success.ok, n=option.success.trials)


def milliseconds(value: float) -> str:
    """Return a time in ms: no decimals from 10 up, one below."""
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def kilobytes(count: int) -> str:
    """Return a size in decimal kB or MB; what is less than 1 kB counts as that."""
    if count >= 1_000_000:
        return f"{count / 1_000_000:.1f} MB"
    return f"{max(count / 1000, 1):.0f} kB" if count else "0 kB"


def rate(kbps: float) -> str:
    """Return a rate in Mbit/s, one decimal below 10; below 0.1 in kbit/s."""
    if kbps < 100:
        return f"{kbps:.0f} kbit/s"
    mbit = kbps / 1000
    return f"{mbit:.1f} Mbit/s" if mbit < 10 else f"{mbit:.0f} Mbit/s"
