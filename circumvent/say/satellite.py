"""Satellite links for people: which gateways are near a place, how far one satellite reaches, and how that is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.say.blocks import Bar, Bars, Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _
from circumvent.say.law import law_sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.catalog import Law
    from circumvent.satellite.facts import Site, System
    from circumvent.satellite.geometry import Place
    from circumvent.satellite.plan import NearSite, SystemPlan


def plan_screen(
    near: str, place: Place, plans: Sequence[SystemPlan], laws: Sequence[Law] = ()
) -> tuple[Block, ...]:
    """Return what each system could do at ``place``, which people call ``near`` (empty: by its coordinates alone)."""
    where = f"{place.latitude:.2f}, {place.longitude:.2f}"
    where = f"{near} ({where})" if near else where
    blocks: list[Block] = [Sentence(law_sentence(law)) for law in laws]
    blocks += [Sentence(line, strong=not number) for number, line in enumerate(_answer(where, plans))]
    for plan in plans:
        blocks += [Space(), Heading(_title(plan.system)), *_system(plan)]
    return (*blocks, Space(), *_closing())


def _answer(where: str, plans: Sequence[SystemPlan]) -> list[str]:
    """Return the sentences that come first: what is in reach, what is not, of what nothing is known."""
    direct = [plan.system.name for plan in plans if plan.direct]
    linked = [plan.system.name for plan in plans if plan.needs_links and plan.system.links]
    beyond = [plan.system.name for plan in plans if plan.needs_links and not plan.system.links]
    unknown = [plan.system.name for plan in plans if plan.direct is None]
    told = []
    if direct:
        told.append(
            _("Near {where} a listed gateway is within reach of one satellite: {names}.").format(
                where=where, names=", ".join(direct)
            )
        )
    else:
        told.append(_("Near {where} no listed gateway is within reach of one satellite.").format(where=where))
    if linked:
        told.append(_("By links between satellites only: {names}.").format(names=", ".join(linked)))
    if beyond:
        told.append(_("Out of reach of every listed gateway: {names}.").format(names=", ".join(beyond)))
    if unknown:
        told.append(
            _("Where the gateways stand is not known here: {names}.").format(names=", ".join(unknown))
        )
    return told


def _title(system: System) -> str:
    return _("{name}, {km} km up").format(name=system.name, km=_number(system.altitude))


def _system(plan: SystemPlan) -> list[Block]:
    points = [Point(_("gateways"), _gateways(plan)), Point(_("reach"), _reach(plan))]
    if plan.pops:
        points.append(
            Point(_("internet"), _("enters it at points of presence; nearest: ") + _sites(plan.pops))
        )
    points.append(Point(_("round trip"), _round_trip(plan)))
    if plan.system.note:
        points.append(Point(_("note"), plan.system.note))
    points.append(Point(_("source"), _sources(plan)))
    blocks: list[Block] = [Points(tuple(points))]
    if plan.gateways:
        blocks.append(_picture(plan))
    return blocks


def _gateways(plan: SystemPlan) -> str:
    if not plan.known:
        return _("nothing is known of where they stand")
    return _("{n} are listed; nearest: ").format(n=plan.known) + _sites(plan.gateways)


def _reach(plan: SystemPlan) -> str:
    """Say how far one satellite reaches by computation, and what the rule of thumb says beside it."""
    said = _(
        "one satellite joins a terminal and a gateway up to {km} km apart (computed from the height of the orbit, "
        "{terminal}° above the horizon here and {gateway}° there)"
    ).format(
        km=_number(plan.reach),
        terminal=_number(plan.system.terminal_elevation),
        gateway=_number(plan.system.gateway_elevation),
    )
    if not plan.gateways:
        return said
    near = plan.gateways[0]
    yes, no = _("within"), _("beyond")
    said += _("; {name} is {computed} that, and {rule} the {km} km that people quote").format(
        name=near.site.name,
        computed=no if near.hop is None else yes,
        rule=yes if near.within_rule else no,
        km=_number(plan.rule),
    )
    if near.hop is not None:
        said += _("; the satellite between stands {elevation}° above the horizon or more").format(
            elevation=_number(min(near.hop.up_elevation, near.hop.down_elevation))
        )
    elif plan.system.links:
        said += _("; it takes links between satellites")
    return said


def _round_trip(plan: SystemPlan) -> str:
    low, high = plan.expected
    said = _("{low} to {high} ms is to be expected").format(low=_number(low), high=_number(high))
    ways = [near for near in plan.gateways if near.round_trip is not None]
    if not ways:
        return said + _("; physics allows no less than {ms} ms").format(ms=_number(plan.floor))
    best = min(ways, key=lambda near: near.round_trip or 0.0)
    least = _("; physics allows no less than {ms} ms by way of {name}")
    return said + least.format(ms=_number(best.round_trip or 0.0), name=best.site.name)


def _sources(plan: SystemPlan) -> str:
    """Return where the facts come from: those of the system, then those of the sites that are named."""
    rows: Iterable[System | Site] = (plan.system, *(near.site for near in (*plan.gateways, *plan.pops)))
    told: dict[str, None] = {}
    for row in rows:
        date = f"{row.date:%Y-%m-%d}"
        said = f"{row.source}, {date}" if row.verified else _("general knowledge, not verified, ") + date
        told[said] = None
    return "; ".join(told)


def _picture(plan: SystemPlan) -> Bars:
    limits = [
        Bar(label=_("rule of thumb"), length=plan.rule, text=_km(plan.rule), limit=True),
        Bar(label=_("reach, computed"), length=plan.reach, text=_km(plan.reach), limit=True),
    ]
    near = [
        Bar(label=f"{one.site.name}, {one.site.country}", length=one.distance, text=_km(one.distance))
        for one in plan.gateways
    ]
    return Bars(tuple(sorted([*limits, *near], key=lambda bar: (bar.length, not bar.limit))))


def _closing() -> tuple[Block, ...]:
    return (
        Heading(_("What this does not tell you")),
        Sentence(
            _(
                "  Whether the operator serves this place, whether a listed gateway works today, and what hills, "
                "trees and walls hide. Lists of gateways are never complete."
            )
        ),
        Sentence(
            _(
                "  A terminal sends radio and can be located. Where owning one is punished, that is yours to weigh."
            )
        ),
        Space(),
        Sentence(
            _(
                "Computed on this device: nothing was sent, nobody was asked, and the coordinates stay here "
                "(your shell may keep the command in its history)."
            )
        ),
    )


def _sites(near: Iterable[NearSite]) -> str:
    return ", ".join(f"{one.site.name} ({one.site.country}) {_km(one.distance)}" for one in near)


def _km(length: float) -> str:
    return _("{n} km").format(n=_number(length))


def _number(value: float) -> str:
    return f"{value:,.0f}"
