"""What a report says about the check itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check.notes import Course, notes
from circumvent.check.schedule import Entry
from circumvent.model.words import Reason
from circumvent.net.trace import BUSY
from tests.check.fakes import Script, carries, make, make_run_plan, play, silent, virtual
from tests.diagnose.build import attempt, silence

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def test_where_all_went_as_it_should_there_is_nothing_to_note() -> None:
    assert notes(Course(), [Entry(make("a"), attempts=[attempt()])]) == ()


@pytest.mark.parametrize(
    ("skew", "said"), [(172_800.0, "2.0 days fast"), (-5400.0, "1.5 hours slow"), (75.0, "75 seconds fast")]
)
def test_a_wrong_clock(skew: float, said: str) -> None:
    (note,) = notes(Course(skew=skew), [])
    assert said in note


def test_each_has_a_sentence_and_why_it_ended_comes_first() -> None:
    entries = [
        Entry(make("a"), held_back=Reason.BUDGET),
        Entry(make("b"), attempts=[silence(counted=False, why=BUSY), silence(counted=False, why=BUSY)]),
    ]
    said = notes(Course(ended_by=Reason.DEADLINE, skew=60.0, penalty=True), entries)
    for note, word in zip(said, ("deadline", "clock", "penalty", "budget", "2 attempts"), strict=True):
        assert word in note
        assert note.endswith(".")


async def test_a_check_that_was_cut_short_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await play(monkeypatch, Script({"a": [silent]}), make_run_plan(make("a"), deadline=2))
    assert report.notes == ("The deadline came before everything was tried.",)


async def test_a_penalty_that_does_not_end_in_time_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    triggered = False

    async def sets_it_off(option: Option, context: Context) -> None:
        nonlocal triggered
        triggered = True
        await silent(option, context)

    async def until_then(option: Option, context: Context) -> None:
        await (silent if triggered else carries)(option, context)

    script = Script({"a": [until_then]}, triggers={"p": [sets_it_off]})
    plan = make_run_plan(make("a"), make("p", "dns-udp", port=53), deadline=40)
    report = await play(monkeypatch, script, plan)
    assert report.complete
    (note,) = report.notes
    assert "penalty" in note
