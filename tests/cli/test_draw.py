"""Screens as files: what a terminal of 100, 60 and 38 columns shows, with colour and without, and as sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from circumvent.cli.cells import width
from circumvent.cli.draw import Style, draw
from circumvent.say.blocks import Group, Groups, Point, Points, Section, Sentence, Steps, Table, Way
from circumvent.say.end import end_screen
from tests.cli.golden_files import FOLDER, WIDTHS, screens
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import FORMS

if TYPE_CHECKING:
    from circumvent.say.blocks import Block

_CODE = re.compile(r"\x1b\[\d+m")


def test_the_golden_screens_are_what_is_drawn() -> None:
    drawn = screens()
    kept = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.txt")}
    assert sorted(kept) == sorted(drawn)
    wrong = [name for name in drawn if kept[name] != drawn[name]]
    assert wrong == [], "python -m tests.cli.golden_files writes them anew; look at the difference"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cells", [*WIDTHS, 30, 71, 84, 250])
def test_no_line_is_wider_than_the_terminal_and_colour_adds_nothing_but_colour(form: str, cells: int) -> None:
    make, ending = FORMS[form]
    page = end_screen(make(), ending)
    lines = draw(page, Style(width=cells))
    assert max(map(width, lines)) <= cells
    assert all(line == line.rstrip() for line in lines)
    coloured = draw(page, Style(width=cells, colour=True))
    assert [_CODE.sub("", line) for line in coloured] == lines
    assert set(_CODE.findall("\n".join(coloured))) <= {f"\x1b[{code}m" for code in (0, 1, 31, 32, 33, 35)}


def test_no_answer_and_not_tried_are_never_coloured() -> None:
    page = Groups((Group(mark="?", word="no answer", count=2, text="a, b"),))
    assert "\x1b" not in "".join(draw([page], Style(width=60, colour=True)))


def test_colour_stands_on_mark_and_word_alone() -> None:
    page = Groups((Group(mark="x", word="blocked", count=1, text="blocked (DoH): is its name"),))
    (line,) = draw([page], Style(width=80, colour=True))
    assert line == "   \x1b[31mx\x1b[0m  \x1b[31mblocked\x1b[0m  1  blocked (DoH): is its name"


def test_a_name_is_cut_before_a_word_of_the_verdict_is() -> None:
    way = Way(rank=1, mark="~", name="n" * 90, kind="HTTPS", word="works sometimes", tries="2 of 3")
    lines = draw([Table((Section(heading="h", ways=(way,)),))], Style(width=100))
    assert max(map(width, lines)) <= 100
    assert "…" in lines[-1]
    assert "works sometimes" in lines[-1]


def test_wide_characters_count_twice() -> None:
    way = Way(rank=1, mark="+", name="日本語のサーバー" * 6, kind="SOCKS5", word="works", tries="3 of 3")
    for cells in (*WIDTHS, 84):
        lines = draw([Table((Section(heading="h", ways=(way,)),))], Style(width=cells))
        assert max(map(width, lines)) <= cells


def test_plain_sentences_hold_no_picture() -> None:
    for make, ending in FORMS.values():
        lines = draw(end_screen(make(), ending), Style(width=None, plain=True))
        assert not any(line.startswith(" ") or "   " in line for line in lines)


BLOCKS: list[Block] = [
    Sentence(HOSTILE),
    Points((Point(HOSTILE, HOSTILE),)),
    Steps((HOSTILE, HOSTILE)),
    Groups((Group(mark="x", word="blocked", count=1, text=HOSTILE),)),
    Table((Section(heading=HOSTILE, ways=(Way(rank=1, mark="+", name=HOSTILE, kind=HOSTILE, word="works", tries="1 of 1"),), more=HOSTILE),)),
]  # fmt: skip


@pytest.mark.parametrize("style", [Style(width=60), Style(width=100), Style(width=None, plain=True)])
@pytest.mark.parametrize("block", BLOCKS, ids=lambda one: type(one).__name__)
def test_hostile_text_reaches_no_line_raw(block: Block, style: Style) -> None:
    lines = draw([block], style)
    assert raw_in("\n".join(lines)) == set()
    assert all("\r" not in line and "\n" not in line for line in lines)
