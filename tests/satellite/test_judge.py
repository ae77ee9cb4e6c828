"""Given what a dish says, expect which link of the chain holds and what may be the cause, and no more."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.words import FindingKind as Cause
from circumvent.satellite.dish import Disabled, DishHistory, DishStatus, Outage
from circumvent.satellite.judge import Health, Link, judge

WELL: Final = DishStatus(
    drop_rate=0.0,
    latency_ms=30.0,
    obstructed=0.003,
    obstructed_now=False,
    obstruction_hours=12.0,
    gps_valid=True,
    gps_satellites=14,
    signal=True,
)


def causes(status: DishStatus, history: DishHistory | None = None) -> set[Cause]:
    return {found.cause for found in judge(status, history).causes}


def test_a_dish_that_is_well() -> None:
    seen = judge(WELL)
    assert (seen.sky, seen.gateway, seen.broken, seen.causes) == (Health.GOOD, Health.GOOD, None, ())


def test_jamming_is_suspected_only_with_all_three_signs() -> None:
    jammed = replace(WELL, gps_valid=False, gps_satellites=0, drop_rate=0.8)
    assert causes(jammed) == {Cause.GPS_DENIED, Cause.JAMMING_SUSPECTED}
    assert judge(jammed).broken is Link.GATEWAY
    assert causes(replace(jammed, gps_valid=True)) == set()
    assert causes(replace(jammed, drop_rate=0.0)) == {Cause.GPS_DENIED}
    assert causes(replace(jammed, obstructed=0.3)) == {Cause.OBSTRUCTED}


def test_a_position_that_was_switched_off_by_its_owner_is_not_denied() -> None:
    assert causes(replace(WELL, gps_valid=False, gps_inhibited=True, drop_rate=0.8)) == set()


def test_a_dish_without_word_of_its_position_is_not_jammed() -> None:
    assert causes(replace(WELL, gps_valid=None, gps_satellites=None, drop_rate=0.8)) == set()


@pytest.mark.parametrize("outage", [Outage.NO_SATS, Outage.SKY_SEARCH, Outage.NO_SCHEDULE])
def test_no_satellites_break_the_sky(outage: Outage) -> None:
    seen = judge(replace(WELL, outage=outage))
    assert (seen.broken, seen.gateway, seen.reason) == (Link.SKY, Health.UNKNOWN, outage.value)


@pytest.mark.parametrize("outage", [Outage.NO_PINGS, Outage.NO_DOWNLINK, Outage.UNKNOWN])
def test_satellites_without_ground_break_the_gateway(outage: Outage) -> None:
    seen = judge(replace(WELL, outage=outage))
    assert (seen.sky, seen.broken) == (Health.GOOD, Link.GATEWAY)


@pytest.mark.parametrize("outage", [Outage.STOWED, Outage.THERMAL_SHUTDOWN, Outage.BOOTING])
def test_a_dish_that_is_busy_with_itself_says_nothing_of_jamming(outage: Outage) -> None:
    seen = judge(replace(WELL, outage=outage, gps_valid=False, drop_rate=1.0))
    assert seen.broken is Link.SKY
    assert seen.causes == ()


def test_a_stowed_dish_without_an_outage() -> None:
    assert judge(replace(WELL, stowed=True)).reason == "stowed"


@pytest.mark.parametrize(
    ("disabled", "cause"),
    [
        (Disabled.NO_ACTIVE_ACCOUNT, Cause.ACCOUNT_INACTIVE),
        (Disabled.ACCOUNT_DISABLED, Cause.ACCOUNT_INACTIVE),
        (Disabled.BLOCKED_COUNTRY, Cause.NO_SERVICE_HERE),
        (Disabled.BLOCKED_AREA, Cause.NO_SERVICE_HERE),
        (Disabled.CELL_DISABLED, Cause.NO_SERVICE_HERE),
    ],
)
def test_what_the_operator_says_is_believed(disabled: Disabled, cause: Cause) -> None:
    seen = judge(replace(WELL, disabled=disabled, gps_valid=False, drop_rate=0.9))
    assert [found.cause for found in seen.causes] == [cause]
    assert seen.broken is Link.SKY
    assert seen.reason == disabled.value


def test_a_ban_that_nobody_knows_breaks_the_sky_and_names_no_cause() -> None:
    seen = judge(replace(WELL, disabled=Disabled.OTHER))
    assert (seen.broken, seen.causes) == (Link.SKY, ())


def test_a_bad_line_is_not_a_broken_one() -> None:
    assert judge(replace(WELL, drop_rate=0.2)).gateway is Health.BAD
    assert judge(replace(WELL, drop_rate=0.51)).gateway is Health.BROKEN
    assert judge(replace(WELL, drop_rate=None)).gateway is Health.UNKNOWN


def test_two_minutes_say_more_than_one_moment() -> None:
    lossy = DishHistory(seconds=120, lost=100, latency_ms=40.0)
    assert judge(WELL, lossy).gateway is Health.BROKEN
    just_on = DishHistory(seconds=5, lost=5, latency_ms=None)
    assert judge(WELL, just_on).gateway is Health.GOOD


def test_hidden_sky_and_alerts_make_it_bad() -> None:
    assert judge(replace(WELL, obstructed=0.1)).sky is Health.BAD
    assert judge(replace(WELL, alerts=("motors_stuck",))).sky is Health.BAD


STATUSES = st.builds(
    DishStatus,
    outage=st.none() | st.sampled_from(Outage),
    disabled=st.none() | st.sampled_from(Disabled),
    stowed=st.booleans(),
    drop_rate=st.none() | st.floats(0, 1),
    obstructed=st.none() | st.floats(0, 1),
    obstructed_now=st.none() | st.booleans(),
    gps_valid=st.none() | st.booleans(),
    gps_satellites=st.none() | st.integers(0, 40),
    gps_inhibited=st.booleans(),
)


@given(STATUSES)
def test_jamming_never_without_a_denied_position_and_never_as_a_certainty(status: DishStatus) -> None:
    seen = judge(status)
    names = {found.cause for found in seen.causes}
    assert Cause.JAMMING_SUSPECTED not in names or {Cause.GPS_DENIED} < names
    assert Cause.JAMMING_SUSPECTED not in names or Cause.OBSTRUCTED not in names
    assert all(0 < found.confidence < 1 and found.evidence for found in seen.causes)
    assert (seen.reason is not None) == (seen.sky is Health.BROKEN)
