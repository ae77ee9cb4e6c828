"""Given what was seen of an address, expect these systems and how surely; light rules out what it could not have done."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.facts import systems
from circumvent.satellite.recognise import (
    DISH,
    ROUTER,
    Certainty,
    Observed,
    documented,
    floor_ms,
    physics,
    recognise,
    terminals,
)

FAR: Final = (612.0, 655.0)
NEAR: Final = (38.0, 61.0)


def models(seen: Observed) -> dict[str, str]:
    return {fit.terminal.slug: fit.certainty.value for fit in recognise(seen)}


class TestFacts:
    def test_every_model_has_a_source_a_date_and_a_known_system(self) -> None:
        slugs = {system.slug for system in systems()}
        for row in terminals():
            assert row.source
            assert row.date.year >= 2025
            assert row.system in slugs

    def test_every_system_that_was_asked_for_is_there(self) -> None:
        named = " ".join(row.name for row in terminals())
        for system in (
            "Starlink",
            "Mini",
            "OneWeb",
            "Viasat",
            "HughesNet",
            "Konnect",
            "BGAN",
            "Thuraya",
            "Certus",
        ):
            assert system in named

    def test_what_was_not_seen_in_a_document_says_so(self) -> None:
        assert {row.slug for row in terminals() if row.verified} == {
            "starlink-router",
            "hughes-bgan",
            "starband-nova",
        }


class TestAddress:
    @pytest.mark.parametrize("address", ["192.168.1.1", "192.168.0.1", "192.168.100.1", "192.168.1.35"])
    def test_an_address_that_others_have_too_shows_nothing(self, address: str) -> None:
        assert models(Observed(address=address, page=True, title="Router login")) == {}

    def test_a_documented_address_that_nobody_else_has_is_possible(self) -> None:
        assert models(Observed(address="192.168.128.100", page=True)) == {"hughes-bgan": "possible"}
        assert models(Observed(address="192.168.128.100")) == {}

    @pytest.mark.parametrize(
        ("own", "asked"),
        [
            ("192.168.128.101", {"192.168.128.100"}),
            ("192.168.1.20", {"192.168.1.1", "192.168.1.35"}),
            ("192.168.1.1", {"192.168.1.35"}),
            ("192.168.0.9", {"192.168.0.1"}),
            ("10.0.0.5", set()),
            ("100.64.3.4", set()),
        ],
    )
    def test_documented_addresses_are_asked_on_ones_own_link_alone(self, own: str, asked: set[str]) -> None:
        assert set(documented([own])) == asked


class TestNames:
    @pytest.mark.parametrize(
        ("title", "found"),
        [
            ("HughesNet System Control Center", {"hughesnet"}),
            ("SurfBeam 2 - Viasat", {"viasat-surfbeam"}),
            ("Thuraya IP+", {"thuraya-ip", "thuraya-atlas"}),
            ("MissionLINK 700", {"iridium-certus"}),
            ("Intellian OW70L", {"oneweb"}),
            ("konnect box", {"konnect"}),
            ("Starlink", {"starlink-router"}),
            ("Hughes 9211-HDR", {"hughes-bgan"}),
            ("My thurayaland holiday", set()),
            ("OpenWrt", set()),
            ("", set()),
        ],
    )
    def test_a_page_that_names_itself_is_likely(self, title: str, found: set[str]) -> None:
        seen = models(Observed(address="10.1.2.3", page=True, title=title))
        assert seen == dict.fromkeys(found, "likely")

    def test_a_certificate_and_a_header_count_too(self) -> None:
        (fit,) = recognise(Observed(address="10.1.2.3", page=True, subject="Viasat Inc. 192.168.100.1"))
        assert fit.evidence["certificate"] == "Viasat"
        (fit,) = recognise(
            Observed(address="10.1.2.3", page=True, headers=('www-authenticate: Basic realm="HT2000W"',))
        )
        assert fit.evidence["page"] == "HT2000W"

    def test_evidence_tells_whether_the_address_is_documented(self) -> None:
        fits = {
            fit.terminal.slug: fit
            for fit in recognise(Observed(address="192.168.128.100", page=True, title="BGAN"))
        }
        assert fits["hughes-bgan"].evidence == {
            "address": "192.168.128.100",
            "documented": True,
            "page": "BGAN",
        }
        assert fits["cobham-bgan"].evidence == {"page": "BGAN"}


class TestProtocol:
    def test_who_speaks_the_routers_protocol_is_known_and_nothing_else(self) -> None:
        seen = Observed(
            address="192.168.1.1", page=True, title="Viasat", protocol=ROUTER, round_trips=(1.0, 1.0)
        )
        assert models(seen) == {"starlink-router": "known"}

    def test_a_dish_is_no_other_terminal(self) -> None:
        assert models(Observed(address="192.168.100.1", page=True, title="Viasat", protocol=DISH)) == {}


class TestLight:
    def test_bounds_are_those_of_the_catalogue(self) -> None:
        found = {system.slug: round(floor_ms(system.altitude), 1) for system in systems()}
        assert found == {
            "starlink": 7.3,
            "oneweb": 16.0,
            "o3b": 107.6,
            "iridium-certus": 10.4,
            "geostationary": 477.5,
        }

    def test_a_near_place_rules_out_far_orbits(self) -> None:
        assert physics(NEAR).excluded == ("o3b", "geostationary")
        assert models(Observed(address="192.168.0.1", page=True, title="HughesNet", round_trips=NEAR)) == {}
        assert models(Observed(address="192.168.0.1", page=True, title="HughesNet", round_trips=FAR)) == {
            "hughesnet": "likely",
            "cobham-bgan": "possible",
        }

    def test_long_round_trips_to_every_place_make_a_usual_address_possible(self) -> None:
        seen = models(Observed(address="192.168.1.35", page=True, round_trips=FAR))
        assert seen == {"thuraya-ip": "possible"}
        assert models(Observed(address="192.168.1.35", page=True, round_trips=(612.0,))) == {}
        assert models(Observed(address="192.168.1.35", page=True, round_trips=(38.0, 655.0))) == {}

    def test_faster_than_any_satellite(self) -> None:
        assert set(physics((0.4, 2.0)).excluded) == {system.slug for system in systems()}

    def test_without_round_trips_light_says_nothing(self) -> None:
        assert physics(()).excluded == physics(()).fits == ()

    def test_a_usual_round_trip_fits(self) -> None:
        assert "starlink" in physics((41.0,)).fits
        assert "geostationary" in physics((620.0,)).fits


@given(
    st.builds(
        Observed,
        address=st.sampled_from(["192.168.1.1", "192.168.128.100", "10.0.0.1", "nowhere"]),
        page=st.booleans(),
        title=st.text(max_size=40) | st.sampled_from(["BGAN", "Starlink", "Viasat Thuraya"]),
        subject=st.text(max_size=20),
        headers=st.lists(st.text(max_size=20), max_size=3).map(tuple),
        protocol=st.none() | st.sampled_from([DISH, ROUTER]),
        round_trips=st.lists(st.floats(0.1, 3000), max_size=4).map(tuple),
    )
)
def test_nothing_is_recognised_against_light_nor_without_evidence(seen: Observed) -> None:
    excluded = physics(seen.round_trips).excluded
    for fit in recognise(seen):
        assert fit.evidence
        assert fit.certainty is Certainty.KNOWN or fit.terminal.system not in excluded
        assert (fit.certainty is Certainty.KNOWN) == (seen.protocol == ROUTER)
