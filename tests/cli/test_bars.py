"""Lengths on one scale, and what becomes of them where there is no room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.bars import bar_lines, bar_sentences
from circumvent.cli.cells import width
from circumvent.say.blocks import Bar, Bars

BARS = Bars(
    (
        Bar(label="limit", length=500, text="500 km", limit=True),
        Bar(label="there", length=1000, text="1,000 km"),
    )
)


def test_lengths_share_a_scale() -> None:
    assert bar_lines(BARS, 40) == [
        "  limit  ==========               500 km",
        "  there  --------------------o  1,000 km",
    ]


def test_without_room_the_words_remain() -> None:
    assert bar_lines(BARS, 20) == ["  limit    500 km", "  there  1,000 km"]
    assert bar_sentences(BARS) == ["limit: 500 km", "there: 1,000 km"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert bar_lines(Bars(()), 80) == []


@given(
    st.lists(
        st.builds(
            Bar,
            label=st.text(max_size=30),
            length=st.floats(0, 1e9),
            text=st.text(max_size=9),
            limit=st.booleans(),
        ),
        max_size=6,
    ),
    st.integers(30, 120),
)
def test_no_line_is_wider_than_the_terminal(bars: list[Bar], cells: int) -> None:
    assert all(width(line) <= cells for line in bar_lines(Bars(tuple(bars)), cells))
