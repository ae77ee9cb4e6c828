"""The catalogue of satellite systems, sites and cities."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.facts import cities, find_cities, sites, systems


def test_every_row_says_where_and_when_and_lies_on_earth() -> None:
    for row in (*systems(), *(site for one in systems() for site in sites(one.slug)), *cities()):
        assert row.source
        assert dt.date(2020, 1, 1) < row.date <= dt.date(2026, 11, 22)
        assert ("recalled" in row.source) == (not row.verified)
    for place in (*(site.place for site in sites("starlink")), *(city.place for city in cities())):
        assert (place.latitude, place.longitude) != (0, 0)


def test_sites_belong_to_a_system_and_stand_there_once() -> None:
    known = sites("starlink")
    assert {site.kind for site in known} == {"gateway", "pop"}
    assert len({(site.kind, site.name, site.latitude) for site in known}) == len(known)
    assert sites("geostationary") == ()


@pytest.mark.parametrize("text", ["Tehran", "tehran", "TEHRAN, ir", " Tehran ,IR"])
def test_a_city_is_found_however_it_is_written(text: str) -> None:
    assert [(city.name, city.country) for city in find_cities(text)] == [("Tehran", "IR")]


@pytest.mark.parametrize("text", ["Tehran, IQ", "", ",", "Nowhere", "Teh"])
def test_a_city_that_is_not_there(text: str) -> None:
    assert find_cities(text) == ()


def test_hyphens_and_apostrophes_do_not_matter() -> None:
    assert find_cities("port au prince")
    assert find_cities("ndjamena")


@given(st.text(max_size=200))
def test_any_text_may_be_asked_for(text: str) -> None:
    for city in find_cities(text):
        assert city in cities()
