"""Rows in columns, and what becomes of them where there is no room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.cells import width
from circumvent.cli.grid import cut_middle, grid_lines, grid_sentences
from circumvent.say.blocks import Grid

GRID = Grid(
    ("option", "truth", "verdict", ""),
    (
        ("doh dns.anvil.example", "works", "works", "right"),
        ("h3 www.birch.example", "blocked", "works", "WRONG"),
    ),
    frozenset({1}),
)


def test_columns_stand_under_their_header_and_what_is_wrong_has_a_colour() -> None:
    assert grid_lines(GRID, 80) == [
        ("option                 truth    verdict", ""),
        ("doh dns.anvil.example  works    works    right", ""),
        ("h3 www.birch.example   blocked  works    WRONG", "31"),
    ]


def test_labels_lose_their_middle_first() -> None:
    assert grid_lines(GRID, 42)[1] == ("doh dns...example  works    works    right", "")


def test_without_room_each_row_takes_some_lines() -> None:
    lines = grid_lines(GRID, 30)
    assert lines[4:] == [
        ("h3 www.birch.example", "31"),
        ("  truth: blocked", "31"),
        ("  verdict: works", "31"),
        ("  WRONG", "31"),
    ]


def test_sentences() -> None:
    assert grid_sentences(GRID)[1] == "h3 www.birch.example: truth blocked, verdict works, WRONG"


def test_nothing_raw_is_drawn() -> None:
    hostile = Grid(("a", "b"), (("\x1b[31mred\u202e", "\x07"),))
    for text in (*(line for line, _ in grid_lines(hostile, 80)), *grid_sentences(hostile)):
        assert text.isprintable()


@given(st.text(max_size=60), st.integers(3, 60))
def test_what_is_cut_fits(text: str, cells: int) -> None:
    assert width(cut_middle(text, cells)) <= max(cells, 3)
