"""What a server's Date header says about our clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.date import skew_from

NOON = 1795348800.0  # Sun, 22 Nov 2026 12:00:00 GMT


def test_a_clock_two_days_ahead() -> None:
    skew = skew_from([("date", "Sun, 22 Nov 2026 12:00:00 GMT")], NOON + 2 * 86400)
    assert skew == pytest.approx(172799.5)


def test_no_header_says_nothing() -> None:
    assert skew_from([("Server", "x")], NOON) is None


@given(st.text(max_size=80))
def test_garbage_says_nothing_or_a_number(value: str) -> None:
    skew = skew_from([("Date", value)], NOON)
    assert skew is None or isinstance(skew, float)
