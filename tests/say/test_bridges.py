"""What Tor recommends, for people: counts and reasons, never a line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.catalog import settings_apis
from circumvent.cli.draw import Style, draw
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry
from circumvent.recommend.answer import Nothing, Recommendation
from circumvent.recommend.ask import Advice, Asked
from circumvent.say.bridges import bridges_screen, in_one_line, opening, plan_blocks
from circumvent.say.end import Ending
from tests.say.recommended import ADVICE, FOUND, NOBODY, bridges_tried

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.say.blocks import Block


def told(blocks: Iterable[Block]) -> str:
    return "\n".join(draw(blocks, Style(width=None, plain=True)))


def test_what_it_recommends_and_how_it_was_asked() -> None:
    said = told(opening(ADVICE))
    assert said.startswith("Tor recommends 4 bridges for IR: 2 obfs4, 1 meek, 1 scramblesuit.")
    assert "directly: bridges.torproject.org: " in said
    assert "through a front: www.phpmyadmin.net: it answered" in said
    assert '1 scramblesuit: "scramblesuit" bridges are not supported by this version.' in said
    assert "9.9.9.9" not in said


def test_a_guess_is_called_one() -> None:
    assert "the service's guess" not in told(opening(ADVICE))
    assert "the service's guess" in told(opening(replace(ADVICE, country=None)))


@pytest.mark.parametrize(
    ("nothing", "said"),
    [
        (Nothing.NOT_NEEDED, "reached from there without a bridge"),
        (Nothing.NO_TRANSPORT, "no bridge for IR of a kind"),
        (Nothing.NO_COUNTRY, "Tor's service knows no country IR"),
    ],
)
def test_defaults_are_called_so(nothing: Nothing, said: str) -> None:
    found = told(opening(replace(ADVICE, recommendation=replace(FOUND, nothing=nothing))))
    assert said in found
    assert "Its usual 4 bridges: 2 obfs4" in found
    empty = told(
        bridges_screen(
            replace(ADVICE, recommendation=Recommendation(nothing=nothing)),
            None,
            Ending(),
            working=0,
            shown=True,
        )
    )
    assert said in empty
    assert "circumvent check --only tor" in empty


def test_a_country_that_nobody_named_can_be_named() -> None:
    advice = replace(ADVICE, country=None, recommendation=Recommendation(nothing=Nothing.NO_COUNTRY))
    said = told(bridges_screen(advice, None, Ending(), working=0, shown=True))
    assert "can't tell which country this is" in said
    assert "1. Say which country this is: circumvent bridges --country CC" in said


def test_where_nobody_answers_there_is_another_way() -> None:
    said = told(bridges_screen(NOBODY, None, Ending(), working=0, shown=True))
    assert said.startswith("Tor's bridge service could not be asked from this network.")
    assert "1. Try the bridges that are built in: circumvent check --only tor" in said
    assert "blocked" not in said


def test_what_was_not_asked_says_why() -> None:
    asked = (Asked(host="a.example", fronted=False, cannot=CannotTry(Reason.OFFLINE)),)
    assert "not asked, " in told(opening(Advice(asked=asked)))


def test_what_is_left_out_is_counted() -> None:
    found = replace(FOUND, left_out=7, to_look_up=("snowflake",))
    said = told(opening(replace(ADVICE, recommendation=found)))
    assert "7: more than are read from one answer." in said
    assert "snowflake: named without a line." in said


def test_the_screen_of_a_run_says_whose_the_lines_are() -> None:
    report = bridges_tried()
    said = told(bridges_screen(ADVICE, report, Ending(), working=2, shown=True))
    assert "They are yours alone now" in said
    assert "Bridges that work" not in told(bridges_screen(ADVICE, report, Ending(), working=2, shown=False))


def test_a_plan_says_whom_and_what_is_seen() -> None:
    apis = settings_apis()
    said = told(plan_blocks(apis, fronted=False, country="IR"))
    assert "bridges.torproject.org directly, then through www.phpmyadmin.net" in said
    assert "marking" in said
    assert "that this is IR" in said
    assert "marking" not in told(plan_blocks(apis, fronted=True, country=None))
    assert in_one_line(apis[0]).startswith("circumvent: ")
