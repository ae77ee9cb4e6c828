"""What a run would contact and what an observer would see of it: the screen of ``--plan``. Nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.snowflake import SnowflakeSettings
from circumvent.model.words import Exposure
from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _, later
from circumvent.say.names import kind_title
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.check.plan import Plan
    from circumvent.model.option import Option

#: Names of options in one line; the rest is counted.
MOST: Final = 12
_FAMILIES: Final = {
    "vpn": later("VPN"),
    "proxy": later("Proxies"),
    "tor": later("Tor and app bridges"),
    "names": later("DNS servers"),
    "direct": later("Without a tunnel"),
    "voice": later("Calls"),
    "satellite": later("Satellite terminals"),
}
_SEEN: Final = {
    "names": later("these addresses; which DNS services are asked. Of plain DNS every question and answer"),
    "proxy": later("these addresses, and that they are proxies; without TLS also which site is asked for"),
    "tor": later("these addresses. A filter that knows them for bridges or relays learns that you use Tor"),
    "vpn": later(
        "these addresses, and most often which sort of VPN. Each try is a login with your key or password"
    ),
    "direct": later("these addresses and the names of the sites"),
    "satellite": later(
        "by who runs this local network, that a terminal is asked for its status. A terminal sends radio and can be located"
    ),
    "voice": later("these addresses, and short bursts of UDP like the start of a call"),
}
_TOR: Final = later(
    "tor itself is started with up to three of the bridges, one after the other: the same addresses once more, for longer."
)
_EXPOSURE: Final = {
    Exposure.ORDINARY: later("ordinary: what any phone does"),
    Exposure.NOTABLE: later("notable: recognisable to who looks for it"),
    Exposure.MARKING: later("marking: can draw attention to you"),
}


def plan_screen(plan: Plan) -> tuple[Block, ...]:
    """Return what a check of this plan would contact, family by family, with exposure and what can be seen."""
    options = plan.options
    total = len(options)
    first = (
        _("{n} options would be tried. Nothing was sent.")
        if total != 1
        else _("1 option would be tried. Nothing was sent.")
    )
    blocks: list[Block] = [Sentence(first.format(n=total), strong=True)]
    if plan.interface:
        blocks.append(Sentence(_("Packets would leave by {name}.").format(name=sanitise(plan.interface, 20))))
    for family, mine in _by_family(options).items():
        blocks += [Space(), Heading(_(_FAMILIES[family]) if family in _FAMILIES else sanitise(family, 20))]
        points = [
            Point(exposure.value, _contacted([one for one in mine if one.exposure is exposure]))
            for exposure in Exposure
            if any(one.exposure is exposure for one in mine)
        ]
        blocks.append(Points((*points, Point(_("seen"), _(_SEEN.get(family, "these addresses")) + "."))))
    blocks += _besides(plan)
    blocks += [
        Space(),
        Heading(_("The three words")),
        Points(tuple(Point(*_(said).split(": ", 1)) for said in _EXPOSURE.values())),
        Space(),
        Sentence(_limits(plan)),
    ]
    if not plan.settings.careful and any(
        option.exposure is not Exposure.ORDINARY and not option.held_by_user for option in options
    ):
        blocks.append(Sentence(_("Only the ordinary ones: circumvent check --careful")))
    return tuple(blocks)


def _by_family(options: Sequence[Option]) -> dict[str, list[Option]]:
    found: dict[str, list[Option]] = {}
    for option in sorted(
        options,
        key=lambda one: list(_FAMILIES).index(one.traits.family) if one.traits.family in _FAMILIES else 99,
    ):
        found.setdefault(option.traits.family, []).append(option)
    return found


def _contacted(options: Sequence[Option]) -> str:
    shown = [
        f"{sanitise(option.label, 40)} ({kind_title(option.kind)}, {sanitise(str(option.endpoint), 80)})"
        for option in options[:MOST]
    ]
    rest = len(options) - len(shown)
    return ", ".join(shown) + (_(" and {n} more").format(n=rest) if rest else "") + "."


def _besides(plan: Plan) -> list[Block]:
    """Say what is contacted beside the options: hosts to compare with, controls, the network's resolver."""
    rows = [option for option in plan.order if option.baseline]
    points = []
    if rows:
        points.append(Point(_("compared"), _hosts([option.endpoint.host for option in rows])))
    if plan.controls:
        through = _("through options that carry pages: {hosts}")
        hosts = _hosts([control.host for control in plan.controls])
        points.append(Point(_("fetched"), through.format(hosts=hosts)))
    if plan.portal_checks:
        points.append(Point(_("sign-in"), _hosts([control.host for control in plan.portal_checks])))
    if servers := _stun_servers(plan):
        asked = _("STUN servers: {hosts} Then the device of a volunteer, by UDP.")
        points.append(Point(_("snowflake"), asked.format(hosts=_hosts(servers))))
    if plan.targets:
        points.append(Point(_("targets"), _("what you named with --target, after the rest")))
    if plan.programs is not None:
        points.append(Point(_("tor"), _(_TOR)))
    return (
        [Space(), Heading(_("Besides, to know what network this is")), Points(tuple(points))]
        if points
        else []
    )


def _stun_servers(plan: Plan) -> list[str]:
    """Return the servers that snowflake bridges ask besides their brokers."""
    settings = [option.settings for option in plan.order]
    return [host for one in settings if isinstance(one, SnowflakeSettings) for host, _port in one.stun]


def _hosts(hosts: Sequence[str]) -> str:
    unique = list(dict.fromkeys(hosts))
    shown = ", ".join(sanitise(host, 60) for host in unique[:MOST])
    return shown + (_(" and {n} more").format(n=len(unique) - MOST) if len(unique) > MOST else "") + "."


def _limits(plan: Plan) -> str:
    said = _("At most {seconds:g} s and {size:g} MB. Order and choice differ from run to run.")
    return said.format(seconds=plan.settings.seconds, size=plan.settings.max_bytes / 1_000_000)
