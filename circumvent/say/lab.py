"""The laboratory in words: scenarios, truth beside verdict, what this machine has and lets us do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.lab.scenario_world import programs_of
from circumvent.lab.truth import name_of
from circumvent.model.words import Status
from circumvent.say.blocks import Block, Grid, Heading, Point, Points, Sentence, Space, Steps
from circumvent.say.lab_rules import rule_points
from circumvent.say.language import _
from circumvent.say.words import status_word, word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.lab.permission import Permission
    from circumvent.lab.run import Result
    from circumvent.lab.scenario import Client, Direction, Scenario
    from circumvent.lab.truth import Comparison, Row, TargetRow
    from circumvent.lab.world.daemons import Found

_LONGEST: Final = 600
#: Rows up to which each option has its own.
MOST_ROWS: Final = 30


def scenario_list(scenarios: Iterable[Scenario], recorded: Sequence[str]) -> tuple[Block, ...]:
    """Return all scenarios, a line each."""
    found = list(scenarios)
    points = tuple(
        Point(one.name, one.title + (_(" (recorded)") if one.name in recorded else "")) for one in found
    )
    return (
        Sentence(
            _(
                "{n} scenarios. Nothing of them leaves this machine. One in full: circumvent lab show NAME"
            ).format(n=len(found))
        ),
        Space(),
        Points(points),
    )


def in_full(scenario: Scenario) -> tuple[Block, ...]:
    """Return a scenario with all that it says: what it models, link, client, rules, truth, sources."""
    blocks: list[Block] = [
        Sentence(f"{scenario.name}: {scenario.title}", strong=True),
        *wrapped(scenario.models),
        Space(),
        Heading(_("Link and client")),
        Points(tuple(_link_points(scenario))),
    ]
    if changes := tuple(_world_points(scenario)):
        blocks += [Space(), Heading(_("The world, where it differs from the usual one")), Points(changes)]
    if scenario.rule:
        blocks += [Space(), Heading(_("What the censor does")), Points(rule_points(scenario.rule))]
    blocks += [Space(), Heading(_("What is true here")), Points(tuple(_truth_points(scenario)))]
    blocks += [
        Space(),
        Heading(_("Sources")),
        *(Sentence("  " + sanitise(one, 200)) for one in scenario.sources),
    ]
    return (*blocks, Space(), Sentence(_("Run it: circumvent lab run {name}").format(name=scenario.name)))


def wrapped(text: str) -> list[Block]:
    """Return a text of a scenario as a paragraph."""
    return [Sentence(sanitise(" ".join(text.split()), _LONGEST))]


def opening(scenario: Scenario) -> tuple[Block, ...]:
    """Return what stands above a run."""
    first = _("Lab: {name}, {time:.0f} ms round trip. Nothing leaves this machine.").format(
        name=scenario.name, time=round_trip(scenario) * 1000
    )
    second = _("Models: {title}. Sources: circumvent lab show {name}").format(
        title=scenario.title.rstrip("."), name=scenario.name
    )
    return (Sentence(first), Sentence(second))


def round_trip(scenario: Scenario) -> float:
    """Return the seconds that a packet takes there and back, on an idle line without loss."""
    return scenario.link.up.delay + scenario.link.down.delay


def truth_beside_verdict(
    result: Result, *, status: int, words: Sequence[str] = (), recorded: bool = False
) -> tuple[Block, ...]:
    """Return the verdict of every option beside what is true of it, the sums, and how to repeat the run.

    ``words`` are those that the check was given; they are not repeated where one may hold a secret.
    """
    seen = result.comparison
    blocks: list[Block] = [Heading(_("Truth beside verdict")), *_verdicts(result), Space()]
    points = [
        Point(_("state"), _state(seen)),
        Point(_("findings"), _findings(seen)),
        Point(_("verdicts"), _sums(seen)),
    ]
    points += [Point(_("target"), _target(target)) for target in seen.targets]
    if seen.missing:
        points.append(
            Point(_("missing"), _("not in the report: {names}").format(names=", ".join(seen.missing)))
        )
    if seen.misled:
        points.append(
            Point(
                _("advice"),
                _("WRONG: recommended and can't work: {names}").format(names=", ".join(seen.misled)),
            )
        )
    points += [Point(_("rules"), _rules(result))] if result.fired else []
    again = f"circumvent lab run {result.scenario} --seed {result.seed}"
    again += "".join(f" {one}" for one in words if not any(":" in word for word in words))
    points.append(Point(_("repeat"), f"{again}   ({_ending(status)})"))
    if recorded:
        points.append(
            Point(
                _("recorded"),
                _("with version {version}; most tries are left out").format(
                    version=result.report.tool.version
                ),
            )
        )
    return (*blocks, Points(tuple(points)))


def doctor_screen(permission: Permission, found: Sequence[Found], install: str | None) -> tuple[Block, ...]:
    """Return what this machine has and lets us do."""
    blocks: list[Block] = [Sentence(permission_sentence(permission), strong=True)]
    if permission.remedies:
        blocks += [Space(), Heading(_("To allow it, as root, one of")), Steps(permission.remedies)]
    here = [one for one in found if one.path is not None]
    said = _(
        "Real servers: {n} of {total} are installed. Scenarios with Tor bridges need tor, obfs4proxy and nginx, others none."
    )
    blocks += [Space(), Sentence(said.format(n=len(here), total=len(found)))]
    blocks.append(Points(tuple(Point(one.program.name, _program(one)) for one in found)))
    if install is not None:
        blocks += [
            Space(),
            Sentence(_("To install what is missing, on Debian and its kin:")),
            Sentence("  " + install),
        ]
    return tuple(blocks)


def permission_sentence(permission: Permission) -> str:
    """Say whether a laboratory can be built here."""
    if permission.allowed:
        return _("A laboratory can be built here: Linux, and namespaces are allowed.")
    if not permission.linux:
        return _("The laboratory needs Linux: a virtual machine, or WSL on Windows.")
    return _("This kernel does not allow a laboratory: {reason}.").format(
        reason=sanitise(permission.reason, 200)
    )


def refusal(permission: Permission, scenario: str | None, recorded: Sequence[str]) -> str:
    """Say in a line why nothing was run, how to allow it, and what can be seen anyway."""
    said = permission_sentence(permission)
    if permission.linux:
        how = "; ".join(permission.remedies)
        said += (_(" To allow it, as root: {how}.").format(how=how) if how else "") + _(" Or run it as root.")
    if not recorded:
        return said
    named = scenario if scenario in recorded else "NAME"
    others = "" if scenario in recorded else _(" (recorded: {names})").format(names=", ".join(recorded))
    return said + _(" A recorded run can be seen anywhere: circumvent lab replay {name}{others}").format(
        name=named, others=others
    )


def _verdicts(result: Result) -> list[Block]:
    rows = result.comparison.rows
    if not rows:
        return [Sentence(_("No option was tried of which this scenario knows the truth."))]
    options = {name_of(option): option for option in result.report.options if not option.baseline}
    lines = _rows([(row, word(options[row.label])) for row in rows])
    cells = tuple(
        (label, words_of(true), said, _("right") if right else _("WRONG"))
        for label, true, said, right in lines
    )
    wrong = frozenset(number for number, line in enumerate(lines) if not line[-1])
    header = (_("option"), _("truth"), _("verdict"), "")
    blocks: list[Block] = [Grid(header, cells, wrong)]
    if wrong:
        why = tuple(
            Point(
                row.label,
                row.why + (_("; said: {why}").format(why=row.said_because) if row.said_because else ""),
            )
            for row in rows
            if not row.right
        )
        blocks += [Space(), Heading(_("Why they are wrong")), Points(why)]
    return blocks


def _rows(judged: Sequence[tuple[Row, str]]) -> list[tuple[str, tuple[str, ...], str, bool]]:
    """Return label, truth, verdict, right; in a long list those of one kind that are right alike share a line."""
    if len(judged) <= MOST_ROWS:
        return [(row.label, row.true, said, row.right) for row, said in judged]
    alike: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for row, said in judged:
        if row.right:
            alike.setdefault((row.kind, row.true, said), []).append(row.label)
    lines = [(row.label, row.true, said, False) for row, said in judged if not row.right]
    for (kind, true, said), labels in alike.items():
        several = _("{kind}, {n} of them").format(kind=kind, n=len(labels))
        lines.append((labels[0] if len(labels) == 1 else several, true, said, True))
    return lines


def words_of(statuses: Iterable[str]) -> str:
    """Return the words of the statuses that an honest observer may give."""
    return _(" or ").join(status_word(Status(one)) for one in statuses) or _("not said")


def _state(seen: Comparison) -> str:
    if seen.state_right:
        return f"{seen.state}, {_('right')}"
    return _("{said}, WRONG: it is {true}").format(said=seen.state, true=_(" or ").join(seen.true_states))


def _findings(seen: Comparison) -> str:
    said = _("{n} found, {missed} missed, {invented} invented").format(
        n=len(seen.found), missed=len(seen.missed), invented=len(seen.invented)
    )
    if seen.missed:
        said += _("; missed: {names}").format(names=", ".join(seen.missed))
    if seen.invented:
        said += _("; invented: {names}").format(names=", ".join(seen.invented))
    if seen.unbuilt:
        said += _("; not built yet, so not counted: {names}").format(names=", ".join(seen.unbuilt))
    return said


def _target(target: TargetRow) -> str:
    name, ways = sanitise(target.name, 100), sanitise(", ".join(target.ways), 300)
    said = _("{name}: directly {word}").format(name=name, word=target.said or _("not said"))
    said += _("; {ways} suffices").format(ways=ways) if ways else ""
    if target.right:
        return f"{said}, {_('right')}"
    return _("{said}, WRONG: {why}").format(said=said, why=target.why)


def _sums(seen: Comparison) -> str:
    right = sum(row.right for row in seen.rows)
    works, blocked = sum(row.false_works for row in seen.rows), sum(row.false_blocked for row in seen.rows)
    return _('{n} of {total} right; false "works" {works}; false "blocked" {blocked}').format(
        n=right, total=len(seen.rows), works=works, blocked=blocked
    )


def _rules(result: Result) -> str:
    told = []
    for name, count in result.fired.items():
        if count:
            told.append(
                _("{name} fired {n} times").format(name=name, n=count)
                if count > 1
                else _("{name} fired once").format(name=name)
            )
        else:
            told.append(
                _("{name} never fired").format(name=name)
                + (_(", WRONG") if name in result.comparison.silent else "")
            )
    return ", ".join(told)


def _ending(status: int) -> str:
    return _("exit 0: all right") if status == 0 else _("exit 1: something differs from the truth")


def _program(found: Found) -> str:
    program = found.program
    return (
        _("{path}: {serves}").format(path=found.path, serves=program.serves)
        if found.path is not None
        else _("missing, Debian package {package}: {serves}").format(
            package=program.package, serves=program.serves
        )
    )


def _link_points(scenario: Scenario) -> Iterable[Point]:
    link = scenario.link
    yield Point(_("up"), _direction(link.up))
    yield Point(_("down"), _direction(link.down))
    if link.mtu != 1500:
        yield Point("MTU", _("{n} bytes").format(n=link.mtu))
    yield Point(_("client"), _client(scenario.client))


def _direction(one: Direction) -> str:
    told = [_("{n:g} ms").format(n=one.delay * 1000)]
    told += [_("jitter {n:g} ms").format(n=one.jitter * 1000)] if one.jitter else []
    told += [_("loss {n:g} %").format(n=one.loss * 100)] if one.loss else []
    told += [_("duplicates {n:g} %").format(n=one.duplicate * 100)] if one.duplicate else []
    told += [_("reordered {n:g} %").format(n=one.reorder * 100)] if one.reorder else []
    told += (
        [_("{n:g} kB/s, queue {queue:g} kB").format(n=one.rate / 1000, queue=one.queue / 1000)]
        if one.rate
        else []
    )
    told += [_("a handover every {n:g} s").format(n=one.handover.period)] if one.handover else []
    return ", ".join(told)


def _client(client: Client) -> str:
    families = [name for name, there in (("IPv4", client.ipv4), ("IPv6", client.ipv6)) if there]
    told = [_(" and ").join(families) or _("no network")]
    if client.clock:
        told.append(_("its clock is {n:+g} s off").format(n=client.clock))
    if client.trusts_interceptor:
        told.append(_("its system trusts the man in the middle"))
    if client.device is not None:
        told.append(_("its device is called {name}").format(name=client.device))
    told += [
        _("an app sends {what} to {server}, port {port}").format(
            what=app.sends, server=app.server, port=app.port
        )
        for app in client.app
    ]
    return ", ".join(told)


def _world_points(scenario: Scenario) -> Iterable[Point]:
    changes = scenario.world
    for lead, names in (
        (_("gone"), changes.gone),
        (_("without services"), changes.closed),
        (_("shut out by servers"), changes.shut_out),
    ):
        if names:
            yield Point(lead, ", ".join(names))
    if changes.resolver is not None:
        yield Point(_("given resolver"), changes.resolver)
    for one in changes.resolvers:
        yield Point(_("resolvers"), f"{', '.join(one.servers)}: {one.character.value}")
    for other in changes.certificates:
        yield Point(_("certificates"), f"{', '.join(other.servers)}: {other.sort.value}")
    if changes.clock:
        yield Point(_("servers' clocks"), _("{n} s ahead").format(n=f"{changes.clock:g}"))
    programs = programs_of(scenario)
    if programs:
        yield Point(_("programs"), ", ".join(programs))
    if scenario.check.catalogue:
        yield Point(_("in the catalogue"), ", ".join(scenario.check.catalogue))
    if scenario.helper is not None:
        yield Point(_("helper"), scenario.helper)


def _truth_points(scenario: Scenario) -> Iterable[Point]:
    truth = scenario.truth
    yield Point(_("state"), _(" or ").join(truth.state))
    for lead, names in (
        (_("must be found"), truth.required),
        (_("may be found"), truth.allowed),
        (_("not built yet"), truth.unbuilt),
    ):
        if names:
            yield Point(lead, ", ".join(names))
    for target in truth.target:
        yield Point(
            target.name, _("directly {words}: {why}").format(words=words_of(target.direct), why=target.why)
        )
    for entry in truth.option:
        yield Point(words_of(entry.statuses), f"{', '.join(entry.match)}: {entry.why}")
