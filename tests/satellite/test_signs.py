"""Given what a dish says, expect these causes with these explanations ruled out; and the same from the record of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.words import FindingKind
from circumvent.satellite.signs import ACCOUNT, OWN, PLACE, Signs, causes, detail_of, read_detail

WELL: Final = Signs(
    obstructed=0.003, obstructed_now=False, gps_valid=True, gps_sats=14, lost=0.0, seconds=120
)
JAMMED: Final = replace(WELL, gps_valid=False, gps_sats=0, lost=0.83)


def kinds(signs: Signs) -> set[FindingKind]:
    return {found.cause for found in causes(signs)}


def confidence(signs: Signs, kind: FindingKind) -> float:
    return next(found.confidence for found in causes(signs) if found.cause is kind)


def test_a_dish_that_is_well_shows_nothing() -> None:
    assert causes(WELL) == ()


def test_a_dish_that_says_nothing_shows_nothing() -> None:
    assert causes(Signs()) == ()


class TestPosition:
    def test_no_fix_after_two_minutes_under_a_clear_sky_is_likely_and_not_sure(self) -> None:
        """A receiver may be broken; from one dish nobody can tell."""
        assert kinds(replace(WELL, gps_valid=False)) == {FindingKind.GPS_DENIED}
        assert confidence(replace(WELL, gps_valid=False), FindingKind.GPS_DENIED) == 0.8

    def test_a_dish_that_has_just_started_may_still_find_itself(self) -> None:
        started = replace(WELL, gps_valid=False, seconds=20)
        assert confidence(started, FindingKind.GPS_DENIED) == 0.6
        assert confidence(replace(started, gps_waited=True), FindingKind.GPS_DENIED) == 0.8

    def test_a_roof_hides_those_satellites_too(self) -> None:
        assert confidence(replace(WELL, gps_valid=False, obstructed=0.3), FindingKind.GPS_DENIED) == 0.6
        unsaid = replace(WELL, gps_valid=False, obstructed=None, obstructed_now=None)
        assert confidence(unsaid, FindingKind.GPS_DENIED) == 0.6

    def test_with_every_explanation_left_nothing_is_said(self) -> None:
        assert causes(Signs(gps_valid=False)) == ()

    def test_who_does_not_know_where_it_is_is_not_told_that_the_place_is_unserved(self) -> None:
        banned = replace(JAMMED, ban="unknown_location")
        assert FindingKind.NO_SERVICE_HERE not in kinds(banned)
        assert FindingKind.GPS_DENIED in kinds(banned)
        assert kinds(replace(WELL, ban="unknown_location")) == {FindingKind.NO_SERVICE_HERE}
        assert confidence(replace(WELL, ban="unknown_location"), FindingKind.NO_SERVICE_HERE) == 0.95


class TestJamming:
    def test_three_marks_and_never_more_than_possible(self) -> None:
        assert kinds(JAMMED) == {FindingKind.GPS_DENIED, FindingKind.JAMMING_SUSPECTED}
        assert confidence(JAMMED, FindingKind.JAMMING_SUSPECTED) == 0.6

    @pytest.mark.parametrize("missing", ["gps_valid", "lost", "obstructed"])
    def test_a_mark_that_the_firmware_does_not_give_is_none(self, missing: str) -> None:
        signs = replace(JAMMED, obstructed_now=None, **{missing: None})  # type: ignore[arg-type]  # fields of several types
        assert FindingKind.JAMMING_SUSPECTED not in kinds(signs)
        assert signs.jammed is None

    @pytest.mark.parametrize(
        "other", [{"obstructed": 0.4}, {"obstructed_now": True}, {"outage": "obstructed"}]
    )
    def test_something_in_the_way_explains_it(self, other: dict[str, object]) -> None:
        assert kinds(replace(JAMMED, **other)) == {FindingKind.GPS_DENIED, FindingKind.OBSTRUCTED}  # type: ignore[arg-type]  # fields of several types


@pytest.mark.parametrize("outage", sorted(OWN))
def test_a_dish_that_is_busy_with_itself_shows_nothing(outage: str) -> None:
    assert causes(replace(JAMMED, outage=outage)) == ()


@pytest.mark.parametrize(
    ("codes", "kind"), [(ACCOUNT, FindingKind.ACCOUNT_INACTIVE), (PLACE, FindingKind.NO_SERVICE_HERE)]
)
def test_what_the_operator_says_is_one_thing_or_the_other(codes: frozenset[str], kind: FindingKind) -> None:
    for code in codes:
        assert kinds(replace(WELL, ban=code)) == {kind}


def test_a_ban_of_another_sort_names_no_cause() -> None:
    for code in ("moving_too_fast", "unsupported_version", "other"):
        assert causes(replace(JAMMED, ban=code)) == ()


def test_a_remembered_obstruction_is_less_sure_than_one_now() -> None:
    assert confidence(replace(WELL, obstructed=0.1), FindingKind.OBSTRUCTED) == 0.8
    assert confidence(replace(WELL, obstructed=0.1, obstructed_now=True), FindingKind.OBSTRUCTED) == 0.95


FLAG: Final = st.none() | st.booleans()
SHARE: Final = st.none() | st.integers(0, 1000).map(lambda tenths: tenths / 1000)
SIGNS: Final = st.builds(
    Signs,
    ban=st.none() | st.sampled_from(sorted(ACCOUNT | PLACE | {"other"})),
    outage=st.none() | st.sampled_from(sorted(OWN | {"no_sats", "obstructed", "no_pings"})),
    stowed=st.booleans(),
    obstructed=SHARE,
    obstructed_now=FLAG,
    gps_valid=FLAG,
    gps_sats=st.none() | st.integers(0, 40),
    gps_inhibited=st.booleans(),
    gps_waited=st.booleans(),
    lost=SHARE,
    seconds=st.none() | st.integers(0, 900),
)


@given(SIGNS)
def test_a_record_that_is_read_again_shows_the_same(signs: Signs) -> None:
    assert read_detail(detail_of(signs)) == signs


@given(SIGNS)
def test_every_cause_has_its_evidence_and_a_confidence_that_is_reported(signs: Signs) -> None:
    for found in causes(signs):
        assert found.evidence
        assert found.confidence in (0.95, 0.8, 0.6)
    assert not {FindingKind.JAMMING_SUSPECTED, FindingKind.OBSTRUCTED} <= kinds(signs)
    assert not {FindingKind.ACCOUNT_INACTIVE, FindingKind.NO_SERVICE_HERE} <= kinds(signs)


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5), st.lists, max_leaves=3
)


@given(st.dictionaries(st.sampled_from(sorted({*Signs.__slots__, "loss"})), JSON))
def test_a_record_of_any_shape_is_read(detail: dict[str, object]) -> None:
    causes(read_detail(detail))
