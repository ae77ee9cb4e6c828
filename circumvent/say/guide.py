"""Short pages that need no internet: what to do where the program itself can do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space, Steps
from circumvent.say.language import _, later

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where every dish answers.
DISH: Final = "192.168.100.1"
#: The pages, each with what it is about.
PAGES: Final[Mapping[str, str]] = {
    "satellite-route": later("a satellite terminal behind another router: the route that is missing"),
}


def contents() -> tuple[Block, ...]:
    """Return the list of pages."""
    points = tuple(Point(name, _(about)) for name, about in PAGES.items())
    return (
        Heading(_("Pages")),
        Points(points),
        Space(),
        Sentence(
            _(
                "circumvent guide PAGE shows one. They are on this device; nothing is sent, and nothing is kept."
            )
        ),
    )


def page(name: str) -> tuple[Block, ...]:
    """Return a page.

    :raises KeyError: when there is none of this name.
    """
    return {"satellite-route": _satellite_route}[name]()


def _satellite_route() -> tuple[Block, ...]:
    return (
        Sentence(_("A satellite terminal behind another router: the route that is missing."), strong=True),
        Sentence(
            _(
                "A Starlink dish always answers at {dish}, whatever network it serves. Behind Starlink's own router this works by "
                "itself. Behind another router it does only if that router knows that the address lies beyond its WAN port; "
                "else it sends the question to the operator, where it is lost."
            ).format(dish=DISH)
        ),
        Space(),
        Heading(_("What to enter on the router")),
        Points(
            (
                Point(_("destination"), DISH),
                Point(_("netmask"), _("255.255.255.255 (or /32)")),
                Point(
                    _("gateway"),
                    _('none, 0.0.0.0, or "on-link"; if it insists on one: {dish}').format(dish=DISH),
                ),
                Point(_("interface"), _("WAN: the port that the dish's cable is plugged into")),
                Point(
                    _("translation"), _("source NAT (masquerading) on that port; for WAN ports it is usual")
                ),
            )
        ),
        *_where_to_enter(),
        Space(),
        Heading(_("Then")),
        Steps(
            (
                _("Run circumvent satellite again."),
                _(
                    "If it still finds none: two routers one behind the other need the route on each; a rule against private "
                    'addresses on WAN ("block RFC 1918", "bogons") must let {dish} pass; an address of 192.168.100.0/24 in '
                    "your own network is in the way."
                ).format(dish=DISH),
            )
        ),
        Sentence(
            "  "
            + _(
                "The page of a router keeps what you enter, and whoever opens it can read it. Where owning a terminal is "
                "punished, that is yours to weigh. The route is not needed for using the dish, only for asking it."
            )
        ),
    )


def _where_to_enter() -> tuple[Block, ...]:
    return (
        Space(),
        Heading(_("Where")),
        Points(
            (
                Point(
                    _("most routers"),
                    _('the page "static routes", often under "advanced", "LAN" or "routing"'),
                ),
                Point(
                    "OpenWrt",
                    _("Network, Routing, Static IPv4 Routes: interface wan, target {dish}/32").format(
                        dish=DISH
                    ),
                ),
                Point("MikroTik", f"/ip route add dst-address={DISH}/32 gateway=ether1"),
                Point("Linux", f"ip route add {DISH}/32 dev eth0"),
                Point(
                    _("this device"),
                    _(
                        "plugged into the dish itself, without a router: it needs an address such as 192.168.100.20, netmask "
                        "255.255.255.0, beside the one that the dish gives it"
                    ),
                ),
            )
        ),
    )
