"""What is told of gateways near a place: what is in reach, what is not, of what nothing is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent import catalog
from circumvent.cli.draw import Style, draw
from circumvent.satellite.geometry import Place
from circumvent.satellite.plan import plan_for
from circumvent.say.satellite import plan_screen
from tests.satellite.test_plan import site, system

if TYPE_CHECKING:
    from circumvent.satellite.facts import Site

HERE = Place(0, 0)


def told(*sites: Site, links: bool = True, verified: bool = True) -> str:
    plan = plan_for(HERE, system(links=links, verified=verified), sites)
    return "\n".join(draw(plan_screen("", HERE, [plan]), Style(width=None, plain=True)))


def test_a_gateway_in_reach() -> None:
    said = told(site("gateway", 3.0), site("pop", 3.0))
    assert said.startswith("Near 0.00, 0.00 a listed gateway is within reach of one satellite: Low.")
    assert "gateway 3.0 is within that, and within the 500 km that people quote" in said
    assert "rule of thumb: 500 km" in said


def test_computed_reach_and_rule_of_thumb_may_differ() -> None:
    assert "is within that, and beyond the 500 km" in told(site("gateway", 10.0))


def test_out_of_reach_it_depends_on_links_between_satellites() -> None:
    assert "By links between satellites only: Low." in told(site("gateway", 40.0))
    assert "it takes links between satellites" in told(site("gateway", 40.0))
    without = told(site("gateway", 40.0), links=False)
    assert "Out of reach of every listed gateway: Low." in without
    assert "it takes links" not in without


def test_nothing_known_is_an_answer() -> None:
    said = told()
    assert "Where the gateways stand is not known here: Low." in said
    assert "gateways: nothing is known of where they stand" in said


def test_facts_carry_source_and_date_or_that_they_are_recalled() -> None:
    assert "source: a test, 2026-11-22" in told()
    assert "source: general knowledge, not verified, 2026-11-22" in told(verified=False)


def test_a_law_comes_first_and_the_place_stays_here() -> None:
    laws = [law for law in catalog.laws("IR") if "satellite" in law.applies_to]
    page = plan_screen("Tehran", HERE, [plan_for(HERE, system(), [])], laws)
    lines = draw(page, Style(width=None, plain=True))
    assert "not legal advice" in lines[0]
    assert "nothing was sent" in lines[-1]
    assert "the coordinates stay here" in lines[-1]
