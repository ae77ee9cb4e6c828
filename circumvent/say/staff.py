"""A report for whoever helps: what the network does in numbers, what works, what to tell and what to ask."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from circumvent.model.words import NetworkState, Scope, Status
from circumvent.say import network
from circumvent.say.blocks import Block, Groups, Heading, Point, Points, Sentence, Space, Steps
from circumvent.say.end import first_advice
from circumvent.say.language import _
from circumvent.say.names import Names, kind_title
from circumvent.say.reasons import failure_clause, text_of
from circumvent.say.sums import asked_for, carries
from circumvent.say.ways import groups
from circumvent.say.with_tor import sentence, with_tor
from circumvent.say.words import kilobytes, mark, milliseconds, proof_sentence, rate, tries, word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.record import Attempt
    from circumvent.model.report import Finding, OptionReport, Report

#: Options of a scope that are shown; tries of an option; facts of a step.
MOST: Final = 6
MOST_TRIES: Final = 20
MOST_FACTS: Final = 12
_SCOPE: Final = {
    Scope.SYSTEM: "all apps",
    Scope.PROXY: "proxy",
    Scope.APP: "one app",
    Scope.DIRECT: "direct",
    Scope.NAMES: "names",
    Scope.VOICE: "calls",
}


def staff_screen(report: Report, file: str) -> tuple[Block, ...]:
    """Return the first screen for support staff."""
    names = Names(asked_for(report))
    blocks: list[Block] = [Sentence(_head(report), strong=True), Space(), Heading(_("Network"))]
    blocks.append(Points(tuple(_network(report))))
    if works := tuple(_works(report, names)):
        blocks += [Space(), Heading(_("What works")), Points(works)]
    if rest := groups(report, names):
        blocks += [Space(), Heading(_("What does not")), Groups(rest)]
    blocks += with_tor(report, names)
    if report.targets:
        points = tuple(
            Point(sanitise(one.name, 40), _target(one.direct.value, len(one.attempts)))
            for one in report.targets
        )
        blocks += [Space(), Heading(_("Targets")), Points(points)]
    blocks += [Space(), Heading(_("Tell them")), Sentence("  " + _tell_them(report))]
    blocks += [Space(), Heading(_("Ask them")), Steps(tuple(_ask_them(report, file)))]
    more = _(
        "circumvent report {file} --option NAME shows every try of one option, --timeline all in the order of time."
    ).format(file=file)
    return (*blocks, Space(), Sentence(more))


def with_status(report: Report, status: Status) -> tuple[Block, ...]:
    """Return the options of a report that have one status, each with its reason."""
    found = [option for option in asked_for(report) if option.status is status]
    names = Names(asked_for(report))
    blocks: list[Block] = [
        Sentence(
            _("{n} of {total} options: {status}").format(
                n=len(found), total=len(asked_for(report)), status=status.value
            ),
            strong=True,
        )
    ]
    if found:
        points = tuple(
            Point(
                names.of(option),
                f"{text_of(option)} ({kind_title(option.kind)}, {sanitise(option.endpoint, 80)})",
            )
            for option in found
        )
        blocks.append(Points(points))
    return tuple(blocks)


def one_option(option: OptionReport) -> tuple[Block, ...]:
    """Return one option of a report with every try and every step."""
    said = f"{sanitise(option.label, 40)} ({kind_title(option.kind)}, {sanitise(option.id, 60)})"
    points = [
        Point(_("verdict"), f"{mark(option)} {text_of(option)}"),
        Point(_("got to"), proof_sentence(option.proof)),
        Point(_("tries"), tries(option)),
        Point(_("endpoint"), sanitise(option.endpoint, 80)),
        Point(_("exposure"), option.exposure.value),
    ]
    if option.latency_ms is not None:
        found = option.latency_ms
        span = f"{milliseconds(found.median)} ({milliseconds(found.min)} to {milliseconds(found.max)})"
        points.append(Point(_("first data"), span))
    if option.evidence is not None:
        points.append(Point(_("evidence"), option.evidence.value))
    if option.with_tor is not None:
        points.append(Point(_("with tor"), sentence(option, option.with_tor, _("this bridge"))))
    blocks: list[Block] = [Sentence(said, strong=True), Points(tuple(points))]
    for attempt in option.attempts[:MOST_TRIES]:
        blocks += [
            Space(),
            Heading(_attempt(attempt)),
            Points(tuple(_steps(attempt)) or (Point("-", _("no step was begun")),)),
        ]
    if len(option.attempts) > MOST_TRIES:
        blocks.append(Sentence(_("and {n} more tries").format(n=len(option.attempts) - MOST_TRIES)))
    return tuple(blocks)


def _head(report: Report) -> str:
    whole = _("Complete") if report.complete else _("Cut short")
    hidden = {"none": _("not redacted"), "default": _("redacted (default)"), "strict": _("redacted (strict)")}
    said = _("Report of {when}. {whole}, {redaction}. {n} options in {time:.1f} s, {size}")
    told = said.format(
        when=_when(report.started),
        whole=whole,
        redaction=hidden[report.redaction.value],
        n=len(asked_for(report)),
        time=report.duration_s,
        size=kilobytes(report.bytes.sent + report.bytes.received),
    )
    over = (
        _(" over {interface}").format(interface=sanitise(report.network.interface, 20))
        if report.network.interface
        else ""
    )
    tool = _(" Made by {name} {version}.").format(
        name=sanitise(report.tool.name, 20), version=sanitise(report.tool.version, 20)
    )
    return f"{told}{over}.{tool}"


def _when(started: str) -> str:
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return _("unknown time")
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _network(report: Report) -> Iterator[Point]:
    state = report.network.state
    yield Point(
        _("state"),
        state.value + (f" ({network.not_decided(report)})" if state is NetworkState.UNKNOWN else ""),
    )
    if facts := network.line_facts(report.network):
        yield Point(_("line"), facts)
    if report.network.clock_skew_s is not None:
        yield Point(
            _("clock"), _("{skew:+.1f} s against two operators").format(skew=report.network.clock_skew_s)
        )
    for finding in report.network.findings:
        yield Point(finding.kind.value, _finding(finding))
    if report.network.not_seen:
        yield Point(_("not seen"), ", ".join(one.value for one in report.network.not_seen))
    if report.network.not_tested:
        yield Point(_("not tested"), ", ".join(sanitise(one, 40) for one in report.network.not_tested[:40]))


def _finding(finding: Finding) -> str:
    said = f"{finding.confidence:.2f}  {sanitise(finding.summary, network.LONGEST)}"
    if finding.ruled_out:
        said += " " + _("Ruled out: {names}.").format(
            names=", ".join(sanitise(one) for one in finding.ruled_out)
        )
    if finding.remaining:
        said += " " + _("Not ruled out: {names}.").format(
            names=", ".join(sanitise(one) for one in finding.remaining)
        )
    if finding.evidence:
        shown = ", ".join(sanitise(one, 12) for one in finding.evidence[:MOST])
        said += " " + _("Tries: {ids}{more}.").format(
            ids=shown, more=" …" if len(finding.evidence) > MOST else ""
        )
    return said


def _works(report: Report, names: Names) -> Iterator[Point]:
    place = {one.id: one.rank for one in report.ranking}
    for scope in Scope:
        found = [option for option in asked_for(report) if option.scope is scope and carries(option)]
        found.sort(key=lambda option: place.get(option.id, len(place) + 1))
        if not found:
            continue
        told = [_way(option, names) for option in found[:MOST]]
        if len(found) > MOST:
            told.append(_("and {n} more").format(n=len(found) - MOST))
        yield Point(_SCOPE[scope], ";  ".join(told))


def _way(option: OptionReport, names: Names) -> str:
    facts = [tries(option)]
    if mark(option) != "+":
        facts.insert(0, word(option))
    if option.latency_ms is not None:
        facts.append(milliseconds(option.latency_ms.median))
    if option.throughput_kbps is not None and option.throughput_kbps.down is not None:
        facts.append(rate(option.throughput_kbps.down))
    return f"{mark(option)} {names.with_kind(option)} {', '.join(facts)}"


def _target(status: str, attempts: int) -> str:
    return _("directly: {status}; {n} tries").format(status=status, n=attempts)


def _tell_them(report: Report) -> str:
    state = report.network.state
    if not any(carries(option) for option in asked_for(report)):
        return {
            NetworkState.OFFLINE: _('"Your device has no network. Join one, then run the check again."'),
            NetworkState.CAPTIVE_PORTAL: _(
                '"Sign in to this network with a browser first, then run the check again."'
            ),
            NetworkState.LOCAL_ONLY: _('"Your router answers, and nothing beyond it. Try another line."'),
            NetworkState.NATIONAL_ONLY: _(
                '"Only domestic sites answer there now. Keep your files; try other lines."'
            ),
        }.get(state, _('"None of these gets out from there. Try another line, and other kinds of option."'))
    chosen = first_advice(report, None)
    if chosen is None:
        return _('"Something works, and nothing of it can be recommended."')
    best, backup = report.option(chosen.id), report.option(chosen.backup or "")
    if best is None:
        return _('"Something works, and the report does not say what."')
    # The sentences of the report itself name servers; a redacted one has none.
    names = Names(asked_for(report))
    told = _("Use {way}.").format(way=_way(best, names).lstrip("+~ "))
    if backup is not None:
        told += " " + _("If it stops: {name}.").format(name=names.with_kind(backup))
    refused = sum(option.status is Status.REFUSED for option in asked_for(report))
    if refused:
        told += " " + _(
            "{n} of your servers said no to the key or password: that is not the network."
        ).format(n=refused)
    return f'"{told}"'


def _ask_them(report: Report, file: str) -> Iterator[str]:
    yield _("One run is one moment. Can they run it again in the evening, and on another line?")
    silent = sum(option.status is Status.UNREACHABLE for option in asked_for(report))
    if silent:
        said = _(
            "{n} options gave no answer. Do those servers answer you? (circumvent show {file} --status unreachable)"
        )
        yield said.format(n=silent, file=file)
    if not report.complete:
        yield _("The run was cut short. Can they let it finish (--deadline 60)?")
    if report.network.state is NetworkState.UNKNOWN:
        yield _("What the network does could not be decided. Is anything else reachable there?")


def _attempt(attempt: Attempt) -> str:
    when = f"{attempt.t0:.3f} to {attempt.t:.3f} s"
    counted = (
        "" if attempt.counted else _(", not counted ({why})").format(why=sanitise(attempt.why or "", 60))
    )
    family = f", {sanitise(attempt.family, 8)}" if attempt.family else ""
    return f"{sanitise(attempt.id, 12)}: {attempt.proof.value}, {when}{family}{counted}"


def _steps(attempt: Attempt) -> Iterator[Point]:
    for step in attempt.steps:
        said = milliseconds((step.t - step.t0) * 1000)
        if step.failure is not None:
            said += f"; {failure_clause(step.failure, step)} ({sanitise(step.failure.error, 40)})"
        facts = [
            f"{sanitise(str(name), 24)} {sanitise(str(value), 60)}"
            for name, value in list(step.detail.items())[:MOST_FACTS]
        ]
        yield Point(sanitise(step.name, 20), said + ("; " + ", ".join(facts) if facts else ""))
