"""What is known of satellite systems, their sites on the ground, and where cities lie. From the catalogue's file."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Literal

from circumvent.catalog.files import rows
from circumvent.catalog.rows import Row
from circumvent.satellite.geometry import Place


class System(Row, frozen=True, kw_only=True):
    """A satellite system.

    ``altitude`` in kilometres; the elevations in degrees below which terminals and gateways do not work; ``typical``:
    the round trips in milliseconds that users see; ``links``: whether satellites hand on to each other.
    """

    slug: str
    name: str
    altitude: float
    terminal_elevation: float
    gateway_elevation: float
    typical: tuple[float, float]
    links: bool
    note: str


class Site(Row, frozen=True, kw_only=True):
    """A gateway (antennas that talk to satellites) or a point of presence (where the internet begins)."""

    system: str
    kind: Literal["gateway", "pop"]
    name: str
    country: str
    latitude: float
    longitude: float

    @property
    def place(self) -> Place:
        """Return where it stands."""
        return Place(self.latitude, self.longitude)


class City(Row, frozen=True, kw_only=True):
    """A city, by whose name a place can be given."""

    name: str
    country: str
    latitude: float
    longitude: float

    @property
    def place(self) -> Place:
        """Return where it lies."""
        return Place(self.latitude, self.longitude)


@cache
def systems() -> tuple[System, ...]:
    """Return the systems, Starlink first."""
    return rows("satellite", "system", System)


@cache
def sites(system: str) -> tuple[Site, ...]:
    """Return the known sites of a system (its slug)."""
    return tuple(site for site in rows("satellite", "site", Site) if site.system == system)


@cache
def cities() -> tuple[City, ...]:
    """Return the cities."""
    return rows("satellite", "city", City)


def find_cities(text: str) -> tuple[City, ...]:
    """Return the cities meant by ``text``: ``Tehran``, ``tehran, ir``; several where one name stands for several."""
    name, _, country = (part.strip() for part in text.partition(","))
    wanted = _plain(name)
    return tuple(
        city
        for city in cities()
        if _plain(city.name) == wanted and (not country or city.country == country.upper())
    )


def _plain(name: str) -> str:
    """Return a name without accents, case and hyphens, for comparison."""
    letters = unicodedata.normalize("NFKD", name[:100]).casefold()
    return "".join(one for one in letters if one.isalnum())
