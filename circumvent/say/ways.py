"""The table of what works, and the groups of what does not: every option of a report exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.model.words import Evidence, Scope, Status
from circumvent.say.blocks import Group, Section, Way
from circumvent.say.language import _
from circumvent.say.names import kind_title
from circumvent.say.reasons import reason
from circumvent.say.sums import asked_for, carries, lies
from circumvent.say.tunnels import passes_nothing, silent_to_strangers
from circumvent.say.words import mark, milliseconds, rate, scope_heading, tries, word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport, Report
    from circumvent.say.names import Names

#: Rows of a scope in the table; what the user brought gets more. The rest is named in one line.
ROWS: Final = 3
ROWS_HELD: Final = 10
#: Failures that leave open whether somebody is there.
_SILENT: Final = failures.TIMEOUT_FAILURES | {
    failures.CONNECTION_RESET,
    failures.CONNECTION_ABORTED,
    failures.EOF,
    failures.HOST_UNREACHABLE,
}


def sections(report: Report, names: Names) -> tuple[Section, ...]:
    """Return the ways out, scope by scope, best first."""
    found = []
    for scope in Scope:
        ranked = _ranked(report, scope)
        if not ranked:
            continue
        rows = [
            option
            for place, option in enumerate(ranked)
            if place < (ROWS_HELD if option.origin == "user" else ROWS)
        ]
        shown = {option.id for option in rows}
        rest = [option for option in ranked if option.id not in shown]
        found.append(
            Section(
                heading=scope_heading(scope),
                ways=tuple(_way(rank, option, names) for rank, option in enumerate(rows, 1)),
                more=_more(rest, names),
            )
        )
    return tuple(found)


def groups(report: Report, names: Names) -> tuple[Group, ...]:
    """Return what does not work, by verdict: blocked, no answer, refused and not tried stay apart."""
    rest = [option for option in asked_for(report) if not carries(option)]
    found = []
    for belongs in (_blocked, _likely_blocked, lies, _no_answer, _refused, _not_tried):
        options = sorted((one for one in rest if belongs(one)), key=lambda one: names.of(one).casefold())
        if options:
            found.append(
                Group(
                    mark=mark(options[0]),
                    word=word(options[0]),
                    count=len(options),
                    text=_with_reasons(options, names) + _closing(options),
                )
            )
    return tuple(found)


def counts_only(report: Report, *, nothing_learned: str) -> tuple[Group, ...]:
    """Return the counts by verdict for a network with no way out, where a failure says nothing about an option."""
    rest = asked_for(report)
    found = []
    tried = [option for option in rest if option.status is not Status.NOT_RUN]
    if tried:
        found.append(Group(mark="?", word=_("no answer"), count=len(tried), text=nothing_learned))
    waiting = [option for option in rest if option.status is Status.NOT_RUN]
    if waiting:
        found.append(
            Group(mark="-", word=_("not tried"), count=len(waiting), text=_("keep them, nothing was learned"))
        )
    return tuple(found)


def _ranked(report: Report, scope: Scope) -> list[OptionReport]:
    place = {ranked.id: ranked.rank for ranked in report.ranking if ranked.scope is scope}
    mine = [option for option in asked_for(report) if option.scope is scope and carries(option)]
    return sorted(mine, key=lambda option: place.get(option.id, len(place) + 1))


def _way(rank: int, option: OptionReport, names: Names) -> Way:
    down = option.throughput_kbps.down if option.throughput_kbps is not None else None
    return Way(
        rank=rank,
        mark=mark(option),
        name=names.of(option),
        kind=kind_title(option.kind),
        word=word(option),
        tries=tries(option),
        first_data=milliseconds(option.latency_ms.median) if option.latency_ms is not None else "",
        speed=rate(down) if down is not None else "",
    )


def _more(options: Sequence[OptionReport], names: Names) -> str:
    if not options:
        return ""
    limited = sum(mark(option) != "+" for option in options)
    n, listed = len(options), names.listed(options)
    if limited == n:
        return _("and {n} more with limits: {names}").format(n=n, names=listed)
    said = _("and {n} more that works: {names}") if n == 1 else _("and {n} more that work: {names}")
    return said.format(n=n, names=listed) + (
        _("; {n} of them with limits").format(n=limited) if limited else ""
    )


def _with_reasons(options: Sequence[OptionReport], names: Names) -> str:
    """Say the options with their reasons, those of the same reason together, what leaves a question open last."""
    by_reason: dict[str, list[OptionReport]] = {}
    for option in sorted(options, key=_open_question):
        by_reason.setdefault(reason(option), []).append(option)
    told = []
    for clause, held in by_reason.items():
        listed = names.listed(held)
        told.append(f"{listed}: {clause}" if clause else listed)
    return ". ".join(told)


def _open_question(option: OptionReport) -> bool:
    """Tell whether a failure is what a dead server looks like, and a filter too."""
    return option.failure is not None and option.failure.error in _SILENT


def _closing(options: Sequence[OptionReport]) -> str:
    if options[0].status is Status.UNREACHABLE:
        return _closing_of_silence(options)
    if _likely_blocked(options[0]):
        return _(". This network does so to the whole kind; the servers themselves could not be judged")
    return ""


def _closing_of_silence(options: Sequence[OptionReport]) -> str:
    """Say what silence may mean, and what it may mean that a tunnel stands and nothing passes."""
    told = ""
    if any(map(silent_to_strangers, options)):
        told = _(
            ". Down, blocked, or not the right key (such servers are silent then): this check cannot tell which"
        )
    elif any(_open_question(one) for one in options if not passes_nothing(one)):
        told = _(". Down or blocked: this check cannot tell which")
    if any(map(passes_nothing, options)):
        told += _(
            ". What connects and passes nothing: its server has no way out itself, or this network drops what follows"
            " the handshake"
        )
    return told


def _blocked(option: OptionReport) -> bool:
    return option.status is Status.BLOCKED and option.evidence is not Evidence.CLASS


def _likely_blocked(option: OptionReport) -> bool:
    return option.status is Status.BLOCKED and option.evidence is Evidence.CLASS


def _no_answer(option: OptionReport) -> bool:
    return option.status is Status.UNREACHABLE


def _refused(option: OptionReport) -> bool:
    return option.status is Status.REFUSED


def _not_tried(option: OptionReport) -> bool:
    return option.status is Status.NOT_RUN
