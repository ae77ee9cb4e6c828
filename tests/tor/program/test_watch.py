"""When a bootstrap counts as stalled, and what is kept of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.tor_run import TorOutcome
from circumvent.tor.program.control import Bootstrap, Traffic, Version
from circumvent.tor.program.watch import FEW_BYTES, MOST_PHASES, QUIET, Watch


def test_phases_with_their_times() -> None:
    watch = Watch(10.0)
    watch.take(Version("0.4.9.11"), 10.1)
    watch.take(Bootstrap(5, "conn"), 10.5)
    watch.take(Bootstrap(10, "conn_done"), 11.0)
    watch.take(Bootstrap(10, "conn_done"), 11.5)
    watch.take(Traffic("read", 700), 11.5)
    watch.take(Traffic("written", 300), 11.5)
    run = watch.record(12.0)
    assert [(one.percent, one.tag, one.t) for one in run.phases] == [
        (5, "conn", 10.5),
        (10, "conn_done", 11.0),
    ]
    assert (run.percent, run.tag, run.t0, run.t) == (10, "conn_done", 10.0, 12.0)
    assert (run.received, run.sent, run.version) == (700, 300, "0.4.9.11")
    assert run.outcome is TorOutcome.CUT_OFF
    assert watch.bytes_used == 1000


def test_three_obstacles_in_a_phase() -> None:
    watch = Watch(0.0)
    for count in (1, 2, 3):
        watch.take(Bootstrap(5, "conn", "CONNECTREFUSED", count), float(count))
    assert not watch.stalled(4.0)
    assert watch.stalled(7.0)
    assert watch.record(7.0).reason == "CONNECTREFUSED"


def test_an_obstacle_that_was_passed_is_forgotten() -> None:
    watch = Watch(0.0)
    watch.take(Bootstrap(5, "conn", "TIMEOUT", 3), 1.0)
    watch.take(Bootstrap(10, "conn_done"), 2.0)
    assert not watch.stalled(9.0)
    assert watch.record(9.0).reason is None


def test_silence() -> None:
    watch = Watch(0.0)
    watch.take(Bootstrap(10, "conn_done"), 1.0)
    assert not watch.stalled(QUIET)
    assert watch.stalled(QUIET + 1.0)


def test_much_that_comes_in_is_life() -> None:
    watch = Watch(0.0)
    watch.take(Bootstrap(30, "loading_status"), 1.0)
    for second in range(2, 100):
        watch.take(Traffic("read", second * FEW_BYTES // 10), float(second))
        assert not watch.stalled(float(second))


def test_little_that_comes_in_is_none() -> None:
    """Refusals of a bridge that has no list of the network, again and again."""
    watch = Watch(0.0)
    watch.take(Bootstrap(30, "loading_status"), 1.0)
    for second in range(2, 16):
        watch.take(Traffic("read", second * 300), float(second))
        assert not watch.stalled(float(second))
    assert watch.stalled(16.0)


def test_the_end_is_the_end() -> None:
    watch = Watch(0.0)
    watch.take(Bootstrap(5, "conn", "TIMEOUT", 1), 1.0)
    watch.take(Bootstrap(100, "done"), 2.0)
    watch.outcome, watch.ended = TorOutcome.DONE, 2.5
    run = watch.record(99.0)
    assert watch.done
    assert (run.reason, run.t) == (None, 2.5)


@pytest.mark.parametrize("percent", [24, 25])
def test_beyond_the_bridge(percent: int) -> None:
    watch = Watch(0.0)
    watch.take(Bootstrap(percent, "requesting_status"), 1.0)
    assert watch.record(2.0).beyond_the_bridge is (percent == 25)


@given(st.lists(st.builds(Bootstrap, st.integers(0, 100), st.sampled_from(["conn", "done"])), max_size=200))
def test_phases_only_rise_and_are_few(said: list[Bootstrap]) -> None:
    watch = Watch(0.0)
    for second, one in enumerate(said):
        watch.take(one, float(second))
    percents = [one.percent for one in watch.record(1.0).phases]
    assert percents == sorted(set(percents))
    assert len(percents) <= MOST_PHASES
