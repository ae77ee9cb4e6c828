"""Cells and line breaks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.cells import cut, pad, right, width, wrap


def test_lines_break_at_spaces_and_go_on_under_their_beginning() -> None:
    assert wrap("one two three", 9, first="* ", rest="  ") == ["* one two", "  three"]


def test_a_word_longer_than_a_line_is_broken() -> None:
    assert wrap("x" * 10, 6, rest="  ") == ["xxxxxx", "  xxxx"]


def test_nothing_is_one_line() -> None:
    assert wrap("", 10, first="  lead") == ["  lead"]


@given(st.text(max_size=200), st.integers(4, 60))
def test_no_line_is_wider_than_asked_and_no_letter_is_lost(text: str, cells: int) -> None:
    lines = wrap(text, cells, first="- ", rest="  ")
    assert all(width(line) <= cells for line in lines)
    kept = "".join(lines).replace(" ", "").removeprefix("-")
    assert kept == "".join(text.split()).replace(" ", "")


@given(st.text(max_size=60), st.integers(1, 40))
def test_what_is_cut_fits(text: str, cells: int) -> None:
    assert width(cut(text, cells)) <= max(cells, 1)
    if width(text) <= cells:
        assert cut(text, cells) == text
        assert width(pad(text, cells)) == width(right(text, cells)) == cells
