"""Each packet id once, in any order within the window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.replay import WINDOW, LongReplayWindow, ReplayWindow


@given(st.lists(st.integers(-2, 200), max_size=300))
def test_no_id_is_accepted_twice_and_no_recent_one_is_refused(ids: list[int]) -> None:
    window = ReplayWindow()
    seen: set[int] = set()
    for number in ids:
        fresh = window.fresh(number)
        recent = number > max(seen, default=0) - WINDOW
        assert fresh == (number > 0 and number not in seen and recent)
        if fresh:
            window.note(number)
            seen.add(number)


def test_a_look_alone_notes_nothing() -> None:
    window = ReplayWindow()
    assert window.fresh(5)
    assert window.fresh(5)


def test_a_later_second_begins_a_new_count() -> None:
    window = LongReplayWindow()
    window.note(7, 100)
    assert not window.fresh(7, 100)
    assert not window.fresh(8, 99)
    assert window.fresh(1, 101)
    window.note(1, 101)
    assert not window.fresh(9, 100)
    assert not window.fresh(1, 101)
