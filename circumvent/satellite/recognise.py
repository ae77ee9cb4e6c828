"""Which satellite system a terminal belongs to, from what was seen of it: address, page, certificate, round trips. Pure.

*Known* is who speaks the terminal's own protocol. *Likely* is who calls itself by the name of a terminal: a page can say
anything. *Possible* is a documented address that is nobody else's by custom, or a usual one behind which every round trip is
as long as that orbit makes it. An address that home routers have too shows nothing. What light could not have done in the
time is ruled out, whatever a page says.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from circumvent.catalog.files import rows
from circumvent.catalog.rows import Row
from circumvent.satellite.facts import systems
from circumvent.satellite.geometry import LIGHT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.satellite.facts import System

Fact = float | str | bool

#: The protocol of Starlink's own devices, by which they are known.
DISH: Final = "dish"
ROUTER: Final = "router"
#: Fewer places than this say nothing of an orbit: one of them may be far away.
PLACES: Final = 2
#: Above this altitude (km) the way up and down alone takes so long that few lines on the ground do (geostationary: 478 ms).
FAR: Final = 30_000.0


#: How long addresses on one link are alike, in bits: what home networks and terminals use.
_LINK: Final = 24


class Certainty(StrEnum):
    """How sure a recognition is."""

    KNOWN = "known"
    LIKELY = "likely"
    POSSIBLE = "possible"


class TerminalRow(Row, frozen=True, kw_only=True):
    """A model of terminal: its ``system`` (a slug of :class:`System`), the addresses of its page, the names it may go by."""

    slug: str
    name: str
    system: str
    addresses: tuple[str, ...] = ()
    protocol: Literal["http", "grpc"] = "http"
    names: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen of whoever answers at an address.

    ``page``: a page answered; ``title``, ``headers`` (those that tell who made it) and ``subject`` (of its certificate) are
    foreign text. ``protocol``: :data:`DISH`, :data:`ROUTER` or ``None``. ``round_trips``: milliseconds to places on the
    internet through it, one each; too long rather than too short.
    """

    address: str
    page: bool = False
    title: str = ""
    headers: tuple[str, ...] = ()
    subject: str = ""
    protocol: str | None = None
    round_trips: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A model that fits, how surely, and what shows it."""

    terminal: TerminalRow
    certainty: Certainty
    evidence: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Physics:
    """What round trips say of orbits: systems (slugs) that light rules out, and those whose least round trip fits.

    ``least``: the shortest round trip, in milliseconds.
    """

    least: float | None
    excluded: tuple[str, ...]
    fits: tuple[str, ...]


@cache
def terminals() -> tuple[TerminalRow, ...]:
    """Return the models that are known."""
    return rows("terminals", "terminal", TerminalRow)


def floor_ms(altitude: float) -> float:
    """Return the least round trip over one satellite at ``altitude`` (km): up, down, up, down, right overhead.

    >>> round(floor_ms(35_786))
    477
    """
    return 4 * altitude / LIGHT * 1000


def physics(round_trips: Sequence[float], known: Sequence[System] | None = None) -> Physics:
    """Return which systems light allows. A round trip through an orbit is never shorter than to its satellite and back."""
    known = systems() if known is None else known
    if not round_trips:
        return Physics(least=None, excluded=(), fits=())
    least = min(round_trips)
    excluded = tuple(system.slug for system in known if least < floor_ms(system.altitude))
    return Physics(
        least=least,
        excluded=excluded,
        fits=tuple(
            system.slug for system in known if system.slug not in excluded and least <= system.typical[1]
        ),
    )


def documented(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return where terminals' pages are documented to be, on the link of a device with these addresses.

    >>> documented(["192.168.128.101"])
    ('192.168.128.100',)
    """
    links = {ipaddress.ip_network(f"{own}/{_LINK}", strict=False) for own in addresses}
    known = dict.fromkeys(address for row in terminals() for address in row.addresses)
    return tuple(
        one
        for one in known
        if one not in addresses and any(ipaddress.ip_address(one) in link for link in links)
    )


def recognise(seen: Observed, known: Sequence[TerminalRow] | None = None) -> tuple[Fit, ...]:
    """Return the models that fit what was seen, the surest first; none where nothing shows a terminal."""
    light = physics(seen.round_trips)
    order = list(Certainty)
    fits = [
        fit
        for row in (terminals() if known is None else known)
        if (fit := _fit(row, seen, light)) is not None
    ]
    return tuple(sorted(fits, key=lambda fit: order.index(fit.certainty)))


def _fit(row: TerminalRow, seen: Observed, light: Physics) -> Fit | None:
    if row.protocol == "grpc" and seen.protocol == ROUTER:
        return Fit(terminal=row, certainty=Certainty.KNOWN, evidence={"protocol": ROUTER})
    if row.system in light.excluded or seen.protocol is not None:
        return None
    evidence: dict[str, Fact] = {}
    if seen.address in row.addresses:
        evidence["address"] = seen.address
        evidence["documented"] = row.verified
    named = _named(row, seen)
    if named is not None:
        where, name = named
        return Fit(
            terminal=row,
            certainty=Certainty.LIKELY,
            evidence={**evidence, where: name, **_trip(row, seen, light)},
        )
    if not seen.page or "address" not in evidence or row.protocol != "http":
        return None
    trip = _trip(row, seen, light)
    unusual = row.verified and not _usual(seen.address)
    return (
        Fit(terminal=row, certainty=Certainty.POSSIBLE, evidence={**evidence, **trip})
        if unusual or trip
        else None
    )


def _named(row: TerminalRow, seen: Observed) -> tuple[str, str] | None:
    """Return where a name of the model was read, and which."""
    places = {"certificate": seen.subject, "page": " ".join((seen.title, *seen.headers))}
    for where, text in places.items():
        for name in row.names:
            if re.search(rf"(?<![a-z0-9]){re.escape(name.casefold())}(?![a-z0-9])", text.casefold()):
                return where, name
    return None


def _trip(row: TerminalRow, seen: Observed, light: Physics) -> dict[str, Fact]:
    """Return the round trip where it is as long as a far orbit makes it, to every place: on the ground few lines are."""
    altitude = next((one.altitude for one in systems() if one.slug == row.system), 0.0)
    if altitude < FAR or len(seen.round_trips) < PLACES or light.least is None:
        return {}
    return {"round_trip_ms": round(light.least, 1), "floor_ms": round(floor_ms(altitude), 1)}


def _usual(address: str) -> bool:
    """Tell whether home routers and cable modems have this address."""
    return address in _EVERYBODYS


_EVERYBODYS: Final = frozenset({"192.168.0.1", "192.168.1.1", "192.168.100.1", "192.168.2.1", "10.0.0.1"})
