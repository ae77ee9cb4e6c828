"""Phase 2: given what triggers do to the line, expect what counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check.settings import CheckSettings
from circumvent.check.triggers import known_good, with_triggers
from circumvent.model.words import Status
from tests.check.fakes import Script, carries, fails, install, make, make_run_plan, play, silent, virtual
from tests.check.test_schedule import schedule
from tests.diagnose.build import attempt

if TYPE_CHECKING:
    from circumvent.check.schedule import Schedule
    from circumvent.model.report import Report

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def plain(name: str, **fields: Any) -> Any:
    return make(name, "dns-udp", port=53, **fields)


def second_phase(report: Report, name: str) -> list[tuple[bool, bool]]:
    found = report.option(name)
    assert found is not None
    return [(one.counted, one.poisoned) for one in found.attempts if one.why == "second phase"]


async def test_triggers_come_last_one_at_a_time_and_count_as_no_tries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script()
    report = await play(monkeypatch, script, make_run_plan(plain("p"), plain("q"), make("quiet")))
    kinds = [what for _, what, _ in script.seen]
    assert "attempt" not in kinds[kinds.index("trigger") :]
    assert [option for option, what, _ in script.seen if what == "trigger"] == ["p", "q"]
    for name in "pq":
        assert second_phase(report, name) == [(False, False)]
        found = report.option(name)
        assert found is not None
        assert (found.status, found.success.trials) == (Status.WORKS, 3)


async def test_after_a_trigger_that_failed_the_sentinel_looks_and_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script(triggers={"p": [fails("generic_timeout_error")]})
    report = await play(monkeypatch, script, make_run_plan(plain("p"), make("quiet")))
    quiet = report.option("quiet")
    assert quiet is not None
    assert [(one.counted, one.phase) for one in quiet.attempts if one.why == "sentinel"] == [(False, 2)]
    assert second_phase(report, "p") == [(False, False)]


async def test_if_the_sentinel_fails_what_followed_its_last_success_is_poisoned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script(
        acts={"quiet": [carries, carries, carries, silent]},
        triggers={"p": [carries], "q": [fails("connection_reset")], "r": [carries]},
    )
    plan = make_run_plan(plain("p"), plain("q"), plain("r"), make("quiet"))
    report = await play(monkeypatch, script, plan)
    assert second_phase(report, "p") == [(False, True)]
    assert second_phase(report, "q") == [(False, True)]
    assert second_phase(report, "r") == []
    assert {one.status for one in report.options} == {Status.WORKS}


async def test_with_time_the_line_rests_and_what_was_poisoned_is_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script(
        acts={"quiet": [carries, carries, carries, silent, carries]},
        triggers={"p": [fails("connection_reset"), carries]},
    )
    plan = make_run_plan(plain("p"), make("quiet"), deadline=300)
    report = await play(monkeypatch, script, plan)
    assert second_phase(report, "p") == [(False, True), (False, False)]
    first, again = [when for _, what, when in script.seen if what == "trigger"]
    assert again - first >= 180


def carried(*names: tuple[str, bool]) -> Schedule:
    plan = schedule(*(name for name, _ in names))
    for job in plan.next_jobs(9):
        plan.finished(job, attempt(), shared=False)
    for name, user in names:
        plan.entries[name].option = plain(name, user=user)
    return plan


def test_what_marks_is_asked_of_few_and_never_carefully(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Script())
    plan = carried(("mine", True), *((f"theirs{n}", False) for n in range(5)))

    def named(**settings: Any) -> list[str]:
        return [
            one.option.id
            for one in with_triggers(plan, CheckSettings.from_keywords({"named": "x", **settings}))
        ]

    assert named() == ["mine"]
    assert named(builtin=True) == ["mine", "theirs0", "theirs1", "theirs2"]
    assert named(careful=True, builtin=True) == []
    assert len(named(dns_control=["a.example=192.0.2.1"])) == 6


def test_the_path_to_watch_is_quiet_and_fast() -> None:
    plan = schedule("slow", "fast", "mixed")
    for job, ms in zip(plan.next_jobs(3), (300.0, 100.0, 10.0), strict=True):
        plan.finished(job, attempt(latency_ms=ms), shared=False)
    plan.entries["mixed"].attempts.append(attempt(error="connection_reset"))
    plan.entries["mixed"].option = plain("mixed")
    entry = known_good(plan)
    assert entry is not None
    assert entry.option.id == "fast"


def test_where_nothing_works_there_is_none() -> None:
    assert known_good(schedule("a")) is None
