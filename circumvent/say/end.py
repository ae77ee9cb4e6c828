"""The end screen of a check: answer, evidence, next step, cost; in this order, empty parts left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.model.words import NetworkState, Reason, Scope, Status
from circumvent.say import network
from circumvent.say.blocks import Block, Groups, Heading, Point, Points, Sentence, Space, Steps, Table
from circumvent.say.language import _
from circumvent.say.links import link_blocks, over_best
from circumvent.say.names import Names
from circumvent.say.reasons import failure_clause
from circumvent.say.sums import asked_for, carries, counted
from circumvent.say.tunnels import passes_nothing
from circumvent.say.ways import counts_only, groups, sections
from circumvent.say.with_tor import with_tor
from circumvent.say.words import kilobytes, milliseconds, state_sentence, status_word, tries
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport, Recommendation, Report, Target

#: Scopes in the order in which advice is given: what serves most comes first.
_ADVICE: Final = (Scope.SYSTEM, Scope.PROXY, Scope.APP, Scope.NAMES, Scope.DIRECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the command line knows of a run beside its report.

    ``laws`` are facts of law, as sentences; ``dumped`` the file that the report was written to; ``kept`` whether
    state was kept; ``need`` the scope asked for; ``deadline`` tells that the time ran out.
    """

    interrupted: bool = False
    laws: tuple[str, ...] = ()
    dumped: str | None = None
    plain_dump: bool = False
    kept: bool = False
    need: str | None = None


def end_screen(report: Report, ending: Ending | None = None) -> tuple[Block, ...]:
    """Return the end screen of a report."""
    about = ending or Ending()
    if about.interrupted:
        return _interrupted(report, about)
    state = report.network.state
    if state in network.NO_WAY_OUT and not any(carries(option) for option in asked_for(report)):
        return _no_way_out(report, about)
    names = Names(asked_for(report))
    table = sections(report, names)
    rest = groups(report, names)
    blocks: list[Block] = [*_verdict(report), *_laws(about), *_points(report)]
    if table:
        heading = _("What gets you out, best first in each group")
        if state is NetworkState.OPEN:
            heading = _("If you want a way ready before you need one, best first in each group")
        blocks += [Space(), Heading(heading), Table(table)]
    if rest:
        blocks += [Space(), Heading(_("What does not, from here")), Groups(rest)]
    blocks += with_tor(report, names)
    blocks += link_blocks(report)
    blocks += _targets(report, names)
    blocks += _first(report, about)
    if state is NetworkState.OPEN:
        said = _("Sites that were not tested, other hours, other networks, or who can see your traffic.")
        blocks += [Space(), Heading(_("What this does not tell you")), Sentence("  " + said)]
    blocks += [Space(), Sentence(cost(report, about)), *_hint(about)]
    return tuple(blocks)


def cost(report: Report, ending: Ending) -> str:
    """Say what the run cost, and what was kept of it."""
    total = len(asked_for(report))
    used = report.bytes.sent + report.bytes.received
    said = {0: _("{time}, {size} used."), 1: _("1 option in {time}, {size} used.")}.get(
        total, _("{n} options in {time}, {size} used.")
    )
    told = said.format(
        n=total, time=_seconds(report.duration_s), size=kilobytes(used) if used else _("no data")
    )
    if ending.dumped is not None:
        told += " " + _("The report is in {file}.").format(file=sanitise(ending.dumped, 120))
    if ending.kept:
        told += " " + _("Kept on this device: the verdicts on this network (circumvent wipe deletes them).")
    elif ending.dumped is None:
        told += " " + _("Nothing was saved.")
    return told


def quiet_line(report: Report, *, interrupted: bool = False, need: str | None = None) -> str:
    """Return the result in one line."""
    said = _line(report, interrupted=interrupted, need=need)
    over = over_best(report)
    return f"{said}; {over}" if over else said


def _line(report: Report, *, interrupted: bool, need: str | None) -> str:
    state = report.network.state
    options = asked_for(report)
    if interrupted:
        return _("stopped; {n} of {total} work so far").format(n=_working(options), total=len(options))
    if state in network.NO_WAY_OUT and not _working(options) and state is not NetworkState.NATIONAL_ONLY:
        return (
            f"{state.value}; "
            + {
                NetworkState.OFFLINE: _("nothing tried; connect to a network and check again"),
                NetworkState.LOCAL_ONLY: _("nothing beyond the router answers; check the line and try again"),
                NetworkState.CAPTIVE_PORTAL: _("nothing judged; sign in with a browser and check again"),
            }[state]
        )
    said = _("{state}; {n} of {total} work").format(
        state=state.value, n=_working(options), total=len(options)
    )
    chosen = first_advice(report, need)
    option = report.option(chosen.id) if chosen is not None else None
    if option is None:
        return said + "; " + (_("no way out found") if not _working(options) else _("nothing to recommend"))
    name = Names(options).with_kind(option)
    latency = f", {milliseconds(option.latency_ms.median)}" if option.latency_ms is not None else ""
    return (
        said
        + "; "
        + _("use {name}: {tries}{latency}").format(name=name, tries=tries(option), latency=latency)
    )


def first_advice(report: Report, need: str | None) -> Recommendation | None:
    """Return the recommendation to give first: in the scope asked for, else where it serves most."""
    by_scope = {one.scope: one for one in reversed(report.recommendations)}
    order = (Scope(need),) if need is not None else _ADVICE
    return next((by_scope[scope] for scope in order if scope in by_scope), None)


def _working(options: Sequence[OptionReport]) -> int:
    return sum(map(carries, options))


def _verdict(report: Report) -> list[Block]:
    options = asked_for(report)
    state = report.network.state
    said = state_sentence(state)
    if state is NetworkState.OPEN:
        said += " " + _("Nothing is needed to reach what was tested.")
    elif state is NetworkState.UNKNOWN:
        said += " " + network.not_decided(report)
    if options:
        said += " " + counted(options)
    elif report.targets:
        said += " " + _reached(report.targets)
    blocks: list[Block] = [Sentence(said, strong=True)]
    late = [option for option in options if option.reason in {Reason.DEADLINE, Reason.BUDGET}]
    if late:
        what = _("The time") if late[0].reason is Reason.DEADLINE else _("The data limit")
        more = (
            _("more: --deadline SECONDS")
            if late[0].reason is Reason.DEADLINE
            else _("more: --max-bytes SIZE")
        )
        blocks.append(
            Sentence(
                _("{what} was used up before {n} of them were tried ({more}).").format(
                    what=what, n=len(late), more=more
                )
            )
        )
    return blocks


def _reached(targets: Sequence[Target]) -> str:
    direct = sum(target.direct is Status.WORKS for target in targets)
    return _("Reached directly: {n} of {total} that you asked for.").format(n=direct, total=len(targets))


def _laws(ending: Ending) -> list[Block]:
    if not ending.laws:
        return []
    return [
        Space(),
        Heading(_("What the law says, as far as known")),
        *(Sentence("  " + law) for law in ending.laws),
    ]


def _points(report: Report) -> list[Block]:
    blocks: list[Block] = []
    if device := network.device_points(report.network):
        blocks += [Space(), Heading(_("First of all")), Points(device)]
    if found := network.network_points(report.network):
        blocks += [Space(), Heading(_("What this network does")), Points(found)]
    return blocks


def _targets(report: Report, names: Names) -> list[Block]:
    if not report.targets:
        return []
    points = tuple(Point(sanitise(one.name, 40), _target(one, report, names)) for one in report.targets)
    return [Space(), Heading(_("For what you asked to reach")), Points(points)]


def _target(target: Target, report: Report, names: Names) -> str:
    if target.direct is Status.WORKS:
        return _("reached directly. Nothing needed.")
    enough = [option for one in target.least_sufficient if (option := report.option(one)) is not None]
    said = _("not reached directly") if target.direct is Status.UNREACHABLE else status_word(target.direct)
    if target.failure is not None and target.direct is not Status.BLOCKED:
        said += f" ({failure_clause(target.failure)})"
    if enough:
        return (
            said + ". " + _("Enough: {names}.").format(names=", ".join(_named(one, names) for one in enough))
        )
    return said + ". " + _("No way to it was found among these options.")


def _named(option: OptionReport, names: Names) -> str:
    return names.with_kind(option) if not option.baseline else sanitise(option.label, 40)


def _first(report: Report, ending: Ending) -> list[Block]:
    if not any(carries(option) for option in asked_for(report)):
        reached = report.targets and all(target.direct is Status.WORKS for target in report.targets)
        return [] if reached and not asked_for(report) else _nothing_works(report)
    chosen = first_advice(report, ending.need)
    if chosen is None or (report.network.state is NetworkState.OPEN and ending.need is None):
        return []
    texts = [Sentence("  " + sanitise(chosen.text, 400))]
    if chosen.visible:
        texts.append(
            Sentence(
                "  " + _("Who watches the line then sees: {what}.").format(what=sanitise(chosen.visible, 200))
            )
        )
    texts.append(Sentence("  " + sanitise(chosen.next_step, 200)))
    return [Space(), Heading(_("Do this first")), *texts]


def _nothing_works(report: Report) -> list[Block]:
    steps = [
        _("Try the other lines you have: mobile data, another Wi-Fi, another operator. They often differ.")
    ]
    if not report.settings.builtin:
        steps.append(_("Try the built-in options too: circumvent check --builtin"))
    if any(option.status is Status.REFUSED for option in asked_for(report)):
        steps.append(_("What was refused needs another key or password; ask whoever runs the server."))
    if any(map(passes_nothing, asked_for(report))):
        steps.append(
            _(
                "What connects and passes nothing: try it once more in its app, then ask its owner whether it works elsewhere."
            )
        )
    steps.append(
        _(
            "Ask someone you trust for a bridge or a server of your own, and check it here before you rely on it."
        )
    )
    return [Space(), Heading(_("Do this now")), Steps(tuple(steps))]


def _hint(ending: Ending) -> list[Block]:
    if ending.dumped is not None:
        if ending.plain_dump:
            return [Sentence(_("It is not redacted: it names the servers you use. Keep it to yourself."))]
        return [Sentence(_("It holds no keys, passwords or private names; circumvent report FILE shows it."))]
    return [
        Sentence(
            _("To send it to someone who helps: --dump FILE (no keys, passwords or private names in it).")
        )
    ]


def _no_way_out(report: Report, ending: Ending) -> tuple[Block, ...]:
    state = report.network.state
    first, second = _headline(state)
    blocks: list[Block] = [
        Sentence(first, strong=True),
        Sentence(second),
        *_points_of_device(report),
        Space(),
        Heading(_("How this was seen")),
        Points(network.how_seen(report)),
    ]
    told = counts_only(
        report, nothing_learned=_("with no way out, this says nothing about these servers: keep them")
    )
    if told:
        blocks += [Space(), Heading(_("What was tried")), Groups(told)]
    blocks += link_blocks(report)
    blocks += with_tor(report, Names(asked_for(report)))
    blocks += [Space(), Heading(_("Do this now")), Steps(_next_steps(report, state))]
    blocks += [Space(), Sentence(cost(report, ending))]
    return tuple(blocks)


def _points_of_device(report: Report) -> list[Block]:
    device = network.device_points(report.network)
    return [Space(), Heading(_("First of all")), Points(device)] if device else []


def _headline(state: NetworkState) -> tuple[str, str]:
    match state:
        case NetworkState.OFFLINE:
            return (
                _("This device is offline: no network is connected."),
                _("No option was judged."),
            )
        case NetworkState.CAPTIVE_PORTAL:
            return (
                state_sentence(state),
                _("No option was judged: until you sign in, a failure here means nothing."),
            )
        case NetworkState.LOCAL_ONLY:
            return (
                state_sentence(state),
                _("No option was judged: a failure here means nothing about a server."),
            )
        case _:
            return (
                state_sentence(state) + " " + _("Nothing tried here reaches the rest of the internet."),
                _(
                    "It is the network, not your device. Whether by order or by a fault, this check cannot tell."
                ),
            )


def _next_steps(report: Report, state: NetworkState) -> tuple[str, ...]:
    size = kilobytes(report.bytes.sent + report.bytes.received)
    match state:
        case NetworkState.OFFLINE:
            return (_("Join a Wi-Fi network or switch on mobile data, then run circumvent check again."),)
        case NetworkState.CAPTIVE_PORTAL:
            return (
                _("Open a browser, go to http://example.com, sign in, then run circumvent check again."),
                _(
                    "The sign-in page can see your device and what you type into it. Use no password there that you use elsewhere."
                ),
            )
        case NetworkState.LOCAL_ONLY:
            return (
                _("Look at your router: is its own line up? Restart it if it is yours."),
                _("Try another line, such as mobile data, then run circumvent check again."),
            )
        case _:
            return (
                _(
                    "Try the other lines you have: mobile data, Wi-Fi, landline, another operator. Shutdowns often differ between them; circumvent check --interface NAME uses one of them."
                ),
                _("Keep your VPN files, bridges and apps. Nothing here shows that they stopped working."),
                _("Run this check again later. It costs about {size}.").format(size=size),
            )


def _interrupted(report: Report, ending: Ending) -> tuple[Block, ...]:
    options = asked_for(report)
    names = Names(options)
    good = _working(options)
    open_ = sum(option.status is Status.NOT_RUN for option in options)
    said = _(
        "Stopped after {time}, as you asked. {n} options work so far; {open} of {total} have no verdict yet."
    )
    if good == 1:
        said = _(
            "Stopped after {time}, as you asked. 1 option works so far; {open} of {total} have no verdict yet."
        )
    first = said.format(time=_seconds(report.duration_s), n=good, open=open_, total=len(options))
    blocks: list[Block] = [Sentence(first, strong=True), *_points(report)]
    if table := sections(report, names):
        blocks += [Space(), Heading(_("What gets you out, so far")), Table(table)]
    if rest := groups(report, names):
        blocks += [Space(), Heading(_("What does not, so far")), Groups(rest)]
    blocks += with_tor(report, names)
    if good:
        blocks += [Space(), Sentence(_("One try is little: run the whole check before you rely on these."))]
    blocks += [Space(), Sentence(cost(report, ending))]
    return tuple(blocks)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"
