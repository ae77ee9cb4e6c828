"""A second of a call: what is counted, and when it is too much loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.errors import PeerError
from circumvent.transports.voice import Call


def call(trips: list[float | None]) -> Call:
    """Return a call whose packets took so long (seconds), one every 20 ms; ``None`` is a lost one."""
    left = [0.020 * number for number in range(len(trips))]
    came = {number: left[number] + trip for number, trip in enumerate(trips) if trip is not None}
    return Call(left=left, came=came)


def test_the_figures_of_a_quiet_line() -> None:
    figures = call([0.050] * 50).detail()
    assert figures == {
        "sent": 50,
        "lost": 0,
        "jitter_ms": 0.0,
        "min_ms": 50.0,
        "median_ms": 50.0,
        "p95_ms": 50.0,
        "max_ms": 50.0,
    }


def test_jitter_is_that_of_rfc3550() -> None:
    # Differences of transit: 10, 10, 10 ms; J += (|D| - J) / 16 from 0.
    jitter = call([0.050, 0.060, 0.050, 0.060]).jitter()
    expected = 0.0
    for _ in range(3):
        expected += (0.010 - expected) / 16
    assert jitter == pytest.approx(expected)


def test_ten_percent_are_lost_and_it_is_a_call() -> None:
    call([None] * 5 + [0.05] * 45).require_few_lost()


def test_more_is_no_call() -> None:
    with pytest.raises(PeerError, match="6 of 50") as caught:
        call([None] * 6 + [0.05] * 44).require_few_lost()
    assert caught.value.error == "packet_loss"


def test_nothing_came_back() -> None:
    lost = call([None] * 50)
    assert lost.detail() == {"sent": 50, "lost": 50}
    with pytest.raises(PeerError):
        lost.require_few_lost()


@given(st.lists(st.one_of(st.none(), st.floats(0, 5)), max_size=60))
def test_figures_are_in_order(trips: list[float | None]) -> None:
    figures: dict[str, Any] = call(trips).detail()
    if "min_ms" in figures:
        assert figures["min_ms"] <= figures["median_ms"] <= figures["p95_ms"] <= figures["max_ms"]
        assert figures["jitter_ms"] >= 0
