"""How many packets are under way: given these answers, expect this window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.net import window as module
from circumvent.net.window import Window


def fill(window: Window, first: int, now: float) -> int:
    """Send as many as may leave; return the next number."""
    while window.may_send():
        window.sent(first, now)
        first += 1
    return first


def test_it_grows_while_answers_come() -> None:
    window = Window(0.1)
    last = fill(window, 0, 0.0)
    assert last == module.FIRST
    for number in range(last):
        window.came(number, 0.1)
    assert fill(window, last, 0.1) - last == 2 * module.FIRST
    assert window.lost == 0


def test_a_packet_is_lost_when_later_ones_were_answered() -> None:
    window = Window(0.1)
    fill(window, 0, 0.0)
    for number in (1, 2, 3):
        window.came(number, 0.1)
    assert window.lost == 1
    window.came(0, 0.2)  # it was only late
    assert (window.lost, window.answered) == (0, 4)


def test_silence_is_overdue_and_no_loss() -> None:
    window = Window(0.1)
    last = fill(window, 0, 0.0)
    due = window.due()
    assert due is not None
    window.expire(due)
    assert (window.under_way, window.lost) == (0, 0)
    assert fill(window, last, due) - last == module.FIRST / 2
    assert window.patience > due


def test_without_a_round_trip_it_is_patient() -> None:
    window = Window()
    assert window.due() is None
    window.sent(0, 5.0)
    assert window.due() == 5.0 + module.UNKNOWN
    window.came(0, 5.5)
    assert window.round_trip == 0.5


def test_an_answer_to_nothing_changes_nothing() -> None:
    window = Window(0.1)
    assert not window.came(7, 1.0)
    assert window.answered == 0


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 3.0)), max_size=60))
def test_it_never_stops_for_good(events: list[tuple[bool, float]]) -> None:
    window, now, number = Window(), 0.0, 0
    for answered, pause in events:
        number = fill(window, number, now)
        now += pause
        if answered:
            window.came(number - 1, now)
        window.expire(now)
        assert 0 <= window.under_way <= module.MOST
        assert window.lost <= number
    due = window.due()
    window.expire(now + module.LONGEST if due is None else max(due, now))
    assert window.under_way == 0 or window.may_send() or window.due() is not None
