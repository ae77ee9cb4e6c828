"""Given a place and what is known of gateways, expect what one satellite can join and what it cannot."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.facts import Site, System, find_cities, sites, systems
from circumvent.satellite.geometry import Place
from circumvent.satellite.plan import RULE_OF_THUMB, SystemPlan, plan_for

DAY = dt.date(2026, 11, 22)


def system(**changes: object) -> System:
    given: dict[str, object] = {
        "slug": "low",
        "name": "Low",
        "altitude": 550.0,
        "terminal_elevation": 25.0,
        "gateway_elevation": 25.0,
        "typical": (25.0, 60.0),
        "links": True,
        "note": "",
        "source": "a test",
        "date": DAY,
    }
    return System(**{**given, **changes})  # type: ignore[arg-type] # of the types above


def site(kind: str, latitude: float, longitude: float = 0.0) -> Site:
    return Site(
        system="low",
        kind=kind,  # type: ignore[arg-type] # one of the two words
        name=f"{kind} {latitude}",
        country="ZZ",
        latitude=latitude,
        longitude=longitude,
        source="a test",
        date=DAY,
    )


def of(slug: str, place: Place) -> SystemPlan:
    chosen = next(one for one in systems() if one.slug == slug)
    return plan_for(place, chosen, sites(slug))


def test_a_gateway_close_by_is_joined_by_one_satellite() -> None:
    plan = plan_for(Place(0, 0), system(), [site("gateway", 3.0), site("pop", 3.0)])
    near = plan.gateways[0]
    assert plan.direct is True
    assert plan.needs_links is False
    assert near.within_rule
    assert near.hop is not None
    assert near.hop.up_elevation == pytest.approx(70.9, abs=1)
    assert near.round_trip is not None
    assert plan.floor < near.round_trip < 9


def test_the_rule_of_thumb_says_less_than_the_geometry() -> None:
    plan = plan_for(Place(0, 0), system(), [site("gateway", 10.0)])
    near = plan.gateways[0]
    assert RULE_OF_THUMB < near.distance < plan.reach
    assert not near.within_rule
    assert near.hop is not None


def test_a_gateway_too_far_needs_links_between_satellites() -> None:
    plan = plan_for(Place(0, 0), system(), [site("gateway", 30.0), site("pop", 1.0)])
    assert plan.gateways[0].hop is None
    assert plan.direct is False
    assert plan.needs_links is True
    assert plan.expected == (25.0, 60.0)


def test_where_no_gateway_is_known_nothing_is_said_of_reach() -> None:
    plan = plan_for(Place(0, 0), system(), [])
    assert plan.direct is None
    assert plan.needs_links is None
    assert plan.gateways == plan.pops == ()


def test_the_way_on_through_the_ground_counts() -> None:
    beside = plan_for(Place(0, 0), system(), [site("gateway", 3.0), site("pop", 3.0)])
    far = plan_for(Place(0, 0), system(), [site("gateway", 3.0), site("pop", 43.0)])
    assert beside.gateways[0].round_trip is not None
    assert far.gateways[0].round_trip is not None
    assert far.gateways[0].round_trip - beside.gateways[0].round_trip == pytest.approx(65, abs=5)
    assert far.expected[0] > beside.expected[0]


def test_a_geostationary_satellite_takes_half_a_second_and_more() -> None:
    plan = of("geostationary", Place(33.3, 44.4))
    assert plan.floor == pytest.approx(477.5, abs=0.5)
    assert plan.expected[0] >= plan.floor
    assert plan.reach > 15_000


def test_khartoum_has_no_listed_starlink_gateway_within_reach_and_minsk_has() -> None:
    khartoum, minsk = (find_cities(name)[0].place for name in ("Khartoum", "Minsk"))
    assert of("starlink", khartoum).needs_links is True
    assert of("starlink", minsk).direct is True
    assert of("starlink", minsk).gateways[0].site.name == "Kaunas"


@given(st.builds(Place, st.floats(-90, 90), st.floats(-180, 180)))
def test_every_place_on_earth_has_a_plan_for_every_system(place: Place) -> None:
    for one in systems():
        plan = plan_for(place, one, sites(one.slug))
        distances = [near.distance for near in plan.gateways]
        assert distances == sorted(distances)
        assert plan.expected[0] <= plan.expected[1]
        for near in plan.gateways:
            assert (near.hop is not None) == (near.distance <= plan.reach + 1e-6)
            assert near.round_trip is None or near.round_trip >= plan.floor - 1e-6
