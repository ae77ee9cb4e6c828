"""What tor itself made of bridges (``--with-tor``), in a sentence each; and where it differs from what this check saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.tor_run import TorOutcome
from circumvent.model.words import Reason, Status
from circumvent.say.blocks import Block, Heading, Sentence, Space
from circumvent.say.language import _, later
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport, Report
    from circumvent.model.tor_run import TorRun
    from circumvent.say.names import Names

#: Verdicts by which data came through, and by which none did.
_CARRIED: Final = frozenset({Status.WORKS, Status.DEGRADED, Status.UNSTABLE})
_FAILED: Final = frozenset({Status.BLOCKED, Status.REFUSED, Status.UNREACHABLE})
#: tor's words for what it meets (control-spec, section 4.1.10.1).
_OBSTACLES: Final = {
    "CONNECTREFUSED": later("the connection was refused"),
    "CONNECTRESET": later("the connection was reset"),
    "IDENTITY": later("another relay answered, not this bridge"),
    "TIMEOUT": later("no answer in time"),
    "NOROUTE": later("no way leads there"),
    "IOERROR": later("the connection broke"),
    "DONE": later("the connection was closed"),
    "TLS_ERROR": later("TLS failed"),
    "PT_MISSING": later("the program for this sort of bridge does not run"),
    "RESOURCELIMIT": later("this device has no room for it"),
}
#: What tor was waiting for, by the phase that it reached (bootstrap phases of the control-spec).
_WAITING: Final = {
    "starting": later("it did not begin to connect"),
    "conn_pt": later("the program for this sort of bridge did not answer"),
    "conn_done_pt": later("the program for this sort of bridge got no connection"),
    "conn": later("no connection came about"),
    "conn_done": later("connected, and then no answer"),
    "handshake": later("the handshake did not end"),
    "handshake_done": later("no circuit came about"),
    "onehop_create": later("no circuit came about"),
    "requesting_status": later("no list of the Tor network came"),
    "loading_status": later("too little came of the list of the Tor network"),
    "loading_keys": later("the keys for the list of the Tor network did not come"),
    "requesting_descriptors": later("the descriptions of relays did not come"),
    "loading_descriptors": later("too little came of the descriptions of relays"),
}
#: Phases that are told while it runs: connected, and what takes time after it.
_MILESTONES: Final = frozenset({
    "conn_done", "loading_status", "loading_descriptors", "enough_dirinfo", "done",
})  # fmt: skip
_BEYOND: Final = later("no circuit through the Tor network came about")
_CUT_OFF: Final = {
    Reason.DEADLINE.value: later("when the time was up (more: --deadline SECONDS)"),
    Reason.INTERRUPTED.value: later("when the check was stopped"),
    Reason.BUDGET.value: later("when the data limit was reached (more: --max-bytes SIZE)"),
}
_NOT_RUN: Final = {
    Reason.MISSING_EXTRA.value: later("a program for this sort of bridge is missing"),
    Reason.NAME_PRIVATE.value: later(
        "it would ask this network's resolver for a name of yours; --system-dns allows it"
    ),
    Reason.BUDGET.value: later("the data limit leaves no room for it"),
    Reason.UNSUPPORTED.value: later("tor can't use this sort of bridge"),
}


def with_tor(report: Report, names: Names) -> list[Block]:
    """Return what tor said of the options of a report; nothing where it was not asked."""
    told = [
        sentence(option, option.with_tor, names.with_kind(option))
        for option in report.options
        if option.with_tor is not None
    ]
    if not told:
        return []
    return [Space(), Heading(_("What tor itself says")), *(Sentence("  " + one) for one in told)]


def progress(percent: int, tag: str | None, name: str) -> str:
    """Say how far tor is; empty for phases that pass at once."""
    if tag is None:
        return _("tor itself begins, with {name}").format(name=name)
    if tag not in _MILESTONES:
        return ""
    return _("tor itself: {percent} %, with {name}").format(percent=percent, name=name)


def sentence(option: OptionReport, run: TorRun, name: str) -> str:
    """Say how a run of tor ended, and whether that fits the verdict."""
    said = _outcome(run, name)
    return f"{said} {more}" if (more := difference(option, run)) else said


def difference(option: OptionReport, run: TorRun) -> str:
    """Say where tor and this check differ; empty where they agree, or where one of the two knows nothing."""
    if run.outcome is TorOutcome.DONE and option.status in _FAILED:
        return _("This check got nothing through it: the two differ. Trust neither alone, and check again.")
    if run.outcome is not TorOutcome.STALLED or option.status not in _CARRIED:
        return ""
    if run.beyond_the_bridge:
        return _("The bridge itself works, as this check found; what fails lies beyond it.")
    return _("This check got data through it: the two differ. Trust neither alone, and check again.")


def _outcome(run: TorRun, name: str) -> str:
    seconds = f"{max(run.t - run.t0, 0.0):.1f} s"
    match run.outcome:
        case TorOutcome.DONE:
            return _("tor itself reached 100 % through {name} in {time}.").format(name=name, time=seconds)
        case TorOutcome.STALLED:
            return _("tor itself stopped at {percent} % with {name} after {time}: {why}.").format(
                percent=run.percent, name=name, time=seconds, why=_why(run)
            )
        case TorOutcome.CUT_OFF:
            return _("tor itself had reached {percent} % with {name} {when}.").format(
                percent=run.percent,
                name=name,
                when=_(_CUT_OFF.get(run.reason or "", "when it was ended")),
            )
        case TorOutcome.BROKEN:
            return _(
                "tor itself did not run as it should with {name}: {why}. That says nothing of it."
            ).format(name=name, why=sanitise(run.detail or "", 100) or _("it ended"))
        case _:
            why = _(_NOT_RUN.get(run.reason or "", "it was not tried"))
            if run.reason == Reason.MISSING_EXTRA.value and run.detail:
                why += f" ({sanitise(run.detail, 60)})"
            return _("tor was not started with {name}: {why}.").format(name=name, why=why)


def _why(run: TorRun) -> str:
    if run.reason in _OBSTACLES:
        return _(_OBSTACLES[run.reason])
    return _(_WAITING.get(run.tag or "", _BEYOND))
