"""Which satellite systems could serve a place, by physics and by what is known of their gateways. Pure; asks nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.satellite.geometry import (
    LIGHT,
    Hop,
    Place,
    best_hop,
    coverage_radius,
    fibre_delay,
    ground_distance,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.satellite.facts import Site, System

#: Kilometres that people quote as the reach of a ground station; the computed reach stands beside it.
RULE_OF_THUMB: Final = 500.0
#: How many sites of each kind are named.
NEAREST: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class NearSite:
    """A site: how far along the ground, and the hop over one satellite (``None``: no satellite sees both).

    ``round_trip`` is the least that physics lets a packet need from the terminal over this gateway to the nearest point
    of presence and back, in milliseconds; ``None`` without a hop.
    """

    site: Site
    distance: float
    hop: Hop | None = None
    round_trip: float | None = None

    @property
    def within_rule(self) -> bool:
        """Tell whether the rule of thumb says yes."""
        return self.distance <= RULE_OF_THUMB


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPlan:
    """What one system could do for a place.

    ``reach``: kilometres up to which one satellite joins a terminal and a gateway. ``floor``: the least round trip by
    way of a satellite overhead and a gateway beside the terminal, in milliseconds. ``gateways`` and ``pops``: the
    nearest known, nearest first; empty where nothing is known. ``known``: how many gateways are known at all.
    ``rule``: the reach that people quote, which stands beside the computed one.
    """

    system: System
    reach: float
    floor: float
    gateways: tuple[NearSite, ...]
    pops: tuple[NearSite, ...]
    known: int
    rule: float = RULE_OF_THUMB

    @property
    def direct(self) -> bool | None:
        """Tell whether a known gateway is within reach of one satellite; ``None`` where no gateway is known."""
        return None if not self.known else any(near.hop is not None for near in self.gateways)

    @property
    def needs_links(self) -> bool | None:
        """Tell whether only links between satellites can serve the place; ``None`` where nothing is known."""
        return None if self.direct is None else not self.direct

    @property
    def expected(self) -> tuple[float, float]:
        """Return the round trips to expect, in milliseconds: what users see, never below what physics allows here."""
        least = min(
            (near.round_trip for near in self.gateways if near.round_trip is not None), default=self.floor
        )
        low, high = self.system.typical
        return max(low, least), max(high, least)


def plan_for(place: Place, system: System, sites: Sequence[Site]) -> SystemPlan:
    """Return what ``system``, with its known ``sites``, could do at ``place``."""
    reach = coverage_radius(system.altitude, system.terminal_elevation) + coverage_radius(
        system.altitude, system.gateway_elevation
    )
    pops = [site for site in sites if site.kind == "pop"]
    gateways = [site for site in sites if site.kind == "gateway"]
    return SystemPlan(
        system=system,
        reach=reach,
        floor=4 * system.altitude / LIGHT * 1000,
        gateways=tuple(_gateway(near, system, pops) for near in _nearest(place, gateways)),
        pops=_nearest(place, pops),
        known=len(gateways),
    )


def _nearest(place: Place, sites: Iterable[Site]) -> tuple[NearSite, ...]:
    near = [NearSite(site=site, distance=ground_distance(place, site.place)) for site in sites]
    return tuple(sorted(near, key=lambda one: (one.distance, one.site.name))[:NEAREST])


def _gateway(near: NearSite, system: System, pops: Sequence[Site]) -> NearSite:
    hop = best_hop(
        system.altitude, near.distance, terminal=system.terminal_elevation, gateway=system.gateway_elevation
    )
    if hop is None:
        return near
    onward = min((ground_distance(near.site.place, pop.place) for pop in pops), default=0.0)
    one_way = hop.delay + fibre_delay(onward)
    return NearSite(site=near.site, distance=near.distance, hop=hop, round_trip=2 * one_way * 1000)
