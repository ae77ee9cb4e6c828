"""The picture is well-formed, refers to nothing outside, and everything in it stands where it lies."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from circumvent.satellite.facts import sites, systems
from circumvent.satellite.geometry import Place
from circumvent.satellite.picture import draw_svg
from circumvent.satellite.plan import plan_for
from tests.satellite.test_plan import site, system

_SVG = "{http://www.w3.org/2000/svg}"


def dots(text: str, kind: str) -> list[tuple[float, float]]:
    root = ET.fromstring(text)
    found = [one for one in root.iter(f"{_SVG}circle") if one.get("class") == kind and one.get("cx")]
    return [(float(one.attrib["cx"]), float(one.attrib["cy"])) for one in found]


def test_north_is_above_and_twice_as_far_is_twice_as_far() -> None:
    plans = [
        plan_for(Place(0, 0), system(), [site("gateway", 5.0), site("gateway", 10.0), site("pop", 0.0, 5.0)])
    ]
    picture = draw_svg("here", Place(0, 0), plans)
    (near, far), (pop,) = dots(picture, "gateway"), dots(picture, "pop")
    assert near[0] == far[0] == 0
    assert abs(far[1] - 2 * near[1]) <= 0.2
    assert near[1] < 0
    assert pop[0] > 0
    assert abs(pop[1]) <= 0.1


def test_where_nothing_is_known_it_says_so() -> None:
    assert "No gateway of any system is known." in draw_svg(
        "here", Place(0, 0), [plan_for(Place(0, 0), system(), [])]
    )


def test_a_name_is_text_and_never_markup() -> None:
    plans = [plan_for(Place(0, 0), system(name="<script>"), [site("gateway", 5.0)])]
    picture = draw_svg('"><script>&', Place(0, 0), plans)
    assert "<script" not in picture
    ET.fromstring(picture)


@given(st.builds(Place, st.floats(-90, 90), st.floats(-180, 180)))
def test_every_place_can_be_drawn(place: Place) -> None:
    picture = draw_svg("", place, [plan_for(place, one, sites(one.slug)) for one in systems()])
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert all(abs(number) <= 300 for dot in dots(picture, "gateway") for number in dot)


def test_it_may_stand_in_a_page_with_others() -> None:
    picture = draw_svg("here", Place(0, 0), [plan_for(Place(0, 0), system(), [site("gateway", 5.0)])])
    root = ET.fromstring(picture)
    style = next(root.iter(f"{_SVG}style")).text or ""
    assert root.get("class") == "satellite-plan"
    assert all(rule.startswith(".satellite-plan ") for rule in style.split("}") if rule)
    assert not any("id" in one.attrib for one in root.iter())
    assert next(root.iter(f"{_SVG}title")).text == "Satellite gateways near here"
