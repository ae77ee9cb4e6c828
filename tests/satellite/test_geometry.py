"""Geometry against published tables, and against itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.geometry import (
    LIGHT,
    Place,
    bearing,
    best_hop,
    coverage_radius,
    elevation_at,
    fibre_delay,
    ground_distance,
    range_at,
    slant_range,
)

#: 3GPP TR 38.811 V15.4.0, tables 5.3.2.1-1 and 5.3.4.1-1: altitude, elevation, distance (km), delay one way (ms). The
#: report computes with a radius of 6,378 km and 300,000 km/s, hence the tolerances.
TR_38_811 = (
    (600, 10, 1932.24, 6.440),
    (600, 5, 2329.01, 7.763),
    (1500, 10, 3647.5, 12.158),
    (1500, 5, 4101.6, 13.672),
    (10000, 10, 14018.16, 46.727),
    (10000, 5, 14539.4, 48.464),
    (35786, 10, 40586, 135.286),
    (35786, 5, 41126.6, 137.088),
    (35786, 90, 35786, 119.286),
)

PLACES = st.builds(Place, st.floats(-90, 90), st.floats(-180, 180))
ALTITUDES = st.floats(200, 36_000)


@pytest.mark.parametrize(("altitude", "elevation", "distance", "milliseconds"), TR_38_811)
def test_ranges_and_delays_of_the_table(
    altitude: float, elevation: float, distance: float, milliseconds: float
) -> None:
    found = slant_range(altitude, elevation)
    assert found == pytest.approx(distance, abs=0.2)
    assert found / LIGHT * 1000 == pytest.approx(milliseconds, rel=0.001)


def test_bent_pipes_of_the_table() -> None:
    # The same tables: terminal at 10 degrees, gateway at 5 degrees, one way.
    for altitude, milliseconds in ((600, 14.204), (1500, 25.83), (10000, 95.192), (35786, 272.375)):
        way = slant_range(altitude, 10) + slant_range(altitude, 5)
        assert way / LIGHT * 1000 == pytest.approx(milliseconds, rel=0.001)


def test_reach_of_a_starlink_satellite() -> None:
    # Published for 550 km: 940 km at 25 degrees, 573 km at 40 degrees.
    assert coverage_radius(550, 25) == pytest.approx(940.7, rel=0.002)
    assert coverage_radius(550, 40) == pytest.approx(573.5, rel=0.002)


@pytest.mark.parametrize(
    ("first", "second", "kilometres"),
    [
        # Great-circle distances between airports, as flight tables print them (to 0.5 %: the earth is no sphere).
        (Place(51.4706, -0.4619), Place(40.6398, -73.7789), 5540),
        (Place(35.4161, 51.1522), Place(41.2753, 28.7519), 2060),
        (Place(0, 0), Place(0, 180), math.pi * 6371.009),
        (Place(90, 0), Place(-90, 77), math.pi * 6371.009),
    ],
)
def test_distances(first: Place, second: Place, kilometres: float) -> None:
    assert ground_distance(first, second) == pytest.approx(kilometres, rel=0.005)


@given(PLACES, PLACES)
def test_a_distance_is_the_same_both_ways_and_no_longer_than_half_the_earth(a: Place, b: Place) -> None:
    there = ground_distance(a, b)
    assert there == pytest.approx(ground_distance(b, a), abs=1e-6)
    assert 0 <= there <= math.pi * 6371.01


@given(ALTITUDES, st.floats(0, 90))
def test_three_ways_to_say_where_a_satellite_stands_agree(altitude: float, elevation: float) -> None:
    beside = coverage_radius(altitude, elevation)
    assert elevation_at(altitude, beside) == pytest.approx(elevation, abs=1e-3)
    assert range_at(altitude, beside) == pytest.approx(slant_range(altitude, elevation), rel=1e-5, abs=0.01)


@given(ALTITUDES, st.floats(0, 20_000), st.floats(0, 89), st.floats(0, 89))
def test_a_hop_keeps_both_limits_and_there_is_one_where_both_see_the_same_sky(
    altitude: float, distance: float, terminal: float, gateway: float
) -> None:
    hop = best_hop(altitude, distance, terminal=terminal, gateway=gateway)
    reach = coverage_radius(altitude, terminal) + coverage_radius(altitude, gateway)
    if hop is None:
        assert distance > reach - 1e-6
        return
    assert distance <= reach + 1e-6
    assert hop.up_elevation >= terminal - 1e-3
    assert hop.down_elevation >= gateway - 1e-3
    assert hop.delay >= 2 * altitude / LIGHT - 1e-9


def test_a_longer_way_takes_longer() -> None:
    near, far = (best_hop(550, one, terminal=25, gateway=25) for one in (100, 1500))
    assert near is not None
    assert far is not None
    assert near.delay < far.delay
    assert best_hop(550, 1900, terminal=25, gateway=25) is None
    assert fibre_delay(1000) == pytest.approx(0.00735, rel=0.01)


@pytest.mark.parametrize(("latitude", "longitude"), [(91, 0), (0, 181), (math.nan, 0), (0, math.inf)])
def test_places_that_are_none(latitude: float, longitude: float) -> None:
    with pytest.raises(ValueError, match=r"latitude|longitude|numbers"):
        Place(latitude, longitude)


def test_bearings_run_from_north_over_east() -> None:
    middle = Place(0, 0)
    assert [
        round(bearing(middle, there)) for there in (Place(10, 0), Place(0, 10), Place(-10, 0), Place(0, -10))
    ] == [
        0,
        90,
        180,
        270,
    ]
    # London to New York, by any table of great circles.
    assert bearing(Place(51.5, -0.1), Place(40.7, -74.0)) == pytest.approx(288, abs=1)


@given(PLACES, PLACES)
def test_a_bearing_is_a_direction(first: Place, second: Place) -> None:
    assert 0 <= bearing(first, second) <= 360
