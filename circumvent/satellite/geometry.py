"""Distances, elevations and delays between two places on the ground by way of a satellite.

A spherical earth: good to half a percent on the ground, and the altitudes of orbits are known no better. The formulas
are those of any textbook on orbits (Wertz, *Space Mission Analysis and Design*, section 5.2); results are held against
the tables of 3GPP TR 38.811, section 5.3. Angles are degrees, lengths kilometres, times seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

#: The equatorial radius (WGS 84), above which altitudes of orbits are given.
EARTH_RADIUS: Final = 6378.137
#: The mean radius (IUGG), for distances on the ground.
MEAN_RADIUS: Final = 6371.009
#: Kilometres a second, in vacuum.
LIGHT: Final = 299_792.458
#: Kilometres a second in glass fibre (refractive index 1.468, ITU-T G.652).
FIBRE: Final = LIGHT / 1.468
#: A fibre is longer than the way of a bird (Bozkurt et al., "Why is the Internet so slow?!", PAM 2017).
DETOUR: Final = 1.5


@dataclass(frozen=True, slots=True)
class Place:
    """A place on the ground: degrees north, degrees east."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.latitude) and math.isfinite(self.longitude)):
            raise ValueError("a place needs two numbers")
        if abs(self.latitude) > 90:
            raise ValueError("a latitude goes from -90 to 90 degrees")
        if abs(self.longitude) > 180:
            raise ValueError("a longitude goes from -180 to 180 degrees")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One way from ground to ground over one satellite: elevation and length of both legs, and the delay one way."""

    up_elevation: float
    down_elevation: float
    up_range: float
    down_range: float

    @property
    def delay(self) -> float:
        """Return the seconds from the terminal over the satellite to the gateway."""
        return (self.up_range + self.down_range) / LIGHT


def ground_distance(first: Place, second: Place) -> float:
    """Return the kilometres between two places along the ground (great circle, haversine)."""
    north, south = math.radians(first.latitude), math.radians(second.latitude)
    east = math.radians(second.longitude - first.longitude)
    half = math.sin((south - north) / 2) ** 2 + math.cos(north) * math.cos(south) * math.sin(east / 2) ** 2
    return 2 * MEAN_RADIUS * math.asin(math.sqrt(min(half, 1.0)))


def bearing(first: Place, second: Place) -> float:
    """Return the direction in which ``second`` lies from ``first``: degrees from north over east, 0 to 360."""
    north, south = math.radians(first.latitude), math.radians(second.latitude)
    east = math.radians(second.longitude - first.longitude)
    across = math.sin(east) * math.cos(south)
    along = math.cos(north) * math.sin(south) - math.sin(north) * math.cos(south) * math.cos(east)
    return math.degrees(math.atan2(across, along)) % 360


def slant_range(altitude: float, elevation: float) -> float:
    """Return the kilometres to a satellite seen at ``elevation``."""
    angle = math.radians(elevation)
    across = EARTH_RADIUS * math.cos(angle)
    return math.sqrt((EARTH_RADIUS + altitude) ** 2 - across**2) - EARTH_RADIUS * math.sin(angle)


def coverage_radius(altitude: float, elevation: float) -> float:
    """Return how far on the ground from below a satellite it is still seen at ``elevation`` or higher."""
    angle = math.radians(elevation)
    return MEAN_RADIUS * (math.acos(EARTH_RADIUS * math.cos(angle) / (EARTH_RADIUS + altitude)) - angle)


def elevation_at(altitude: float, distance: float) -> float:
    """Return at which elevation a satellite is seen from ``distance`` kilometres beside the point below it.

    Negative: it is below the horizon.
    """
    angle = distance / MEAN_RADIUS
    if angle == 0:
        return 90.0
    ratio = EARTH_RADIUS / (EARTH_RADIUS + altitude)
    return math.degrees(math.atan2(math.cos(angle) - ratio, math.sin(angle)))


def range_at(altitude: float, distance: float) -> float:
    """Return the kilometres to a satellite from ``distance`` kilometres beside the point below it."""
    near, far = EARTH_RADIUS, EARTH_RADIUS + altitude
    return math.sqrt(near**2 + far**2 - 2 * near * far * math.cos(distance / MEAN_RADIUS))


def best_hop(altitude: float, distance: float, *, terminal: float, gateway: float) -> Hop | None:
    """Return the shortest hop over one satellite between places ``distance`` apart; ``None``: no satellite sees both.

    ``terminal`` and ``gateway`` are the lowest elevations at which each can work. The satellite stands midway, which is
    shortest, or as near to that as the steeper of the two limits lets it.
    """
    from_terminal = min(distance / 2, coverage_radius(altitude, terminal))
    from_gateway = distance - from_terminal
    if from_gateway > coverage_radius(altitude, gateway):
        from_gateway = coverage_radius(altitude, gateway)
        from_terminal = distance - from_gateway
        if from_terminal > coverage_radius(altitude, terminal):
            return None
    return Hop(
        up_elevation=elevation_at(altitude, from_terminal),
        down_elevation=elevation_at(altitude, from_gateway),
        up_range=range_at(altitude, from_terminal),
        down_range=range_at(altitude, from_gateway),
    )


def fibre_delay(distance: float) -> float:
    """Return the seconds one way through the ground between places ``distance`` apart, with the usual detour."""
    return distance * DETOUR / FIBRE
