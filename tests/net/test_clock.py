"""One clock a check: seconds since its start, and the time of day as far as it is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.clock import Clock

MOMENTS = st.floats(0, 1e9, allow_nan=False)


def test_time_runs_from_the_start_and_never_back() -> None:
    clock = Clock()
    first, second = clock.now(), clock.now()
    assert 0 <= first <= second < 60


@given(MOMENTS, MOMENTS)
def test_a_stamp_is_told_from_the_start(started: float, later: float) -> None:
    assert Clock(started_monotonic=started).at(started + later) == (started + later) - started


def test_a_known_skew_corrects_the_time_of_day_and_not_what_this_device_shows() -> None:
    clock = Clock(started_wall=1000.0)
    assert clock.local(5.0) == 1005.0
    uncorrected = clock.wall()
    clock.skew = 300.0  # we are five minutes fast
    assert clock.wall() < uncorrected - 290
    assert clock.local(5.0) == 1005.0
