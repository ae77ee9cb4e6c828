"""Counts: never percent, and grammar that holds for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Status
from circumvent.say.sums import asked_for, counted, lies, tally
from tests.say.reports import filtered, good, open_, option

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport

WORKS = good("a", "doh", 9.0)
SLOW = good("b", "doh", 9.0, status=Status.DEGRADED, detail={"limit": "slow"})
DEAD = option("c", "doh", Status.UNREACHABLE)
LIAR = option("d", "doh", Status.DEGRADED, detail={"limit": "wrong_answer"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "No option was tried."),
        ([WORKS], "The option works."),
        ([SLOW], "The option works with limits."),
        ([DEAD], "The option does not work."),
        ([LIAR], "The option does not work."),
        ([WORKS, DEAD], "1 of 2 options works."),
        ([WORKS, SLOW], "1 of 2 options works, 1 more works with limits."),
        ([WORKS, WORKS, SLOW, SLOW, DEAD], "2 of 5 options work, 2 more work with limits."),
        ([DEAD, LIAR], "None of 2 options works."),
    ],
)
def test_how_many_work(options: list[OptionReport], said: str) -> None:
    assert counted(options) == said


def test_the_tally_names_each_verdict_that_occurs() -> None:
    assert tally([WORKS, SLOW, DEAD, LIAR]) == "1 work, 1 with limits, 1 give false answers, 1 no answer"
    assert tally([]) == "nothing to try"


def test_baseline_rows_are_nobodys_option() -> None:
    assert len(asked_for(open_())) == 4
    assert sum(map(lies, filtered().options)) == 1
