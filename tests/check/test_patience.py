"""The idle minute of --patient: which options, and what it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.check.patience import BESIDE, IDLE, WHY, idle_minutes, leaders
from circumvent.check.runner import Runner
from circumvent.check.schedule import Schedule
from circumvent.model.words import Proof, Status
from circumvent.net.errors import PeerError
from tests.check.fakes import (
    Script,
    carries,
    install,
    lasts,
    make,
    make_run_plan,
    play,
    services_for,
    virtual,
)
from tests.check.test_schedule import candidates
from tests.diagnose.build import attempt

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


async def rests(option: Option, context: Context) -> None:
    """Everything comes back right, also after a pause."""
    await lasts(option, context)
    if context.idle is not None:
        async with context.trace.step("idle", limit=context.idle + 1) as step:
            step.detail["seconds"] = context.idle
            await anyio.sleep(context.idle)


async def dies_of_a_pause(option: Option, context: Context) -> None:
    await carries(option, context)
    if context.idle is not None:
        async with context.trace.step("idle", limit=context.idle + 1) as step:
            step.detail["seconds"] = context.idle
            raise PeerError("connection_reset")


def scheduled(*options: Option) -> Schedule:
    plan = Schedule(options, trials=3, candidates=candidates)
    for index, option in enumerate(options):
        plan.entries[option.id].attempts.append(attempt(latency_ms=100.0 + 50 * index))
    return plan


def test_the_first_of_each_scope_that_has_a_connection_to_wait_on() -> None:
    plan = scheduled(
        make("udp", "dns-udp"),
        make("q", "doq"),
        make("a"),
        make("b"),
        make("p", "socks5"),
        make("w", "https"),
    )
    assert [one.option.id for one in leaders(plan, candidates(plan.entries.values()))] == ["p", "a"]


async def test_a_shorter_pause_is_made_by_all_at_once_and_counts_for_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(monkeypatch, Script({"a": [rests], "p": [rests]}))
    plan = scheduled(make("a"), make("p", "socks5"))
    began = anyio.current_time()
    runner = Runner(services_for(make_run_plan()))
    await idle_minutes(list(plan.entries.values()), runner, left=100.0, idle=5.0)
    assert 5.0 <= anyio.current_time() - began < 6.0
    for entry in plan.entries.values():
        made = entry.attempts[-1]
        assert (made.counted, made.why, made.steps[-1].detail) == (False, WHY, {"seconds": 5.0})


async def test_what_does_not_fit_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    install(monkeypatch, script)
    plan = scheduled(make("a"))
    runner = Runner(services_for(make_run_plan()))
    await idle_minutes(list(plan.entries.values()), runner, left=IDLE + BESIDE - 1)
    assert script.seen == []


@pytest.mark.parametrize(("act", "failure"), [(rests, None), (dies_of_a_pause, "connection_reset")])
async def test_with_patience_a_pause_is_told_and_no_verdict_changes(
    act: Any, failure: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = await play(monkeypatch, Script({"a": [act]}), make_run_plan(make("a"), patient=True))
    (option,) = report.options
    assert option.status is Status.WORKS
    assert option.failure is None
    assert option.success.trials == 3
    assert option.detail["idle"] == {"seconds": IDLE, "failure": failure}
    assert report.complete


async def test_with_patience_the_bytes_are_moved_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    for patient, wanted in ((True, 2), (False, 1)):
        report = await play(monkeypatch, Script({"a": [lasts]}), make_run_plan(make("a"), patient=patient))
        (option,) = report.options
        proofs = [one.proof for one in option.attempts if one.counted]
        assert proofs.count(Proof.SUSTAINED) == wanted
        assert len(proofs) == 3
        assert ("idle" in option.detail) is False


async def test_without_patience_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await play(monkeypatch, Script({"a": [rests]}), make_run_plan(make("a")))
    assert report.duration_s < IDLE


async def test_stopped_in_the_pause_it_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Script({"a": [rests]}))
    plan = scheduled(make("a"))
    runner = Runner(services_for(make_run_plan()))
    with anyio.move_on_after(2.0):
        await idle_minutes(list(plan.entries.values()), runner, left=100.0)
    ((_, stopped),) = runner.stopped("the deadline came")
    assert (stopped.counted, stopped.why, stopped.carried) == (False, "the deadline came", True)
