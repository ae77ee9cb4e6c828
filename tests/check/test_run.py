"""A whole check, without a network and without waiting: given what each option does, expect this report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.check.events import AttemptFinished, AttemptStarted, Finished, OptionDecided, Started
from circumvent.check.run import CheckRun
from circumvent.diagnose.conclude import conclude
from circumvent.model.words import Evidence, NetworkState, Proof, Reason, Status
from circumvent.net.errors import CannotTry
from circumvent.net.interfaces import Line
from tests.check.fakes import (
    Script,
    carries,
    fails,
    install,
    lasts,
    make,
    make_run_plan,
    play,
    services_for,
    silent,
    virtual,
)

if TYPE_CHECKING:
    from circumvent.check.events import Event
    from circumvent.model.option import Option
    from circumvent.model.report import OptionReport, Report
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def of(report: Report, name: str) -> OptionReport:
    found = report.option(name)
    assert found is not None
    return found


async def test_what_works_is_tried_three_times_and_lasts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"a": [lasts]})
    report = await play(monkeypatch, script, make_run_plan(make("a")))
    option = of(report, "a")
    assert (option.status, option.proof) == (Status.WORKS, Proof.SUSTAINED)
    assert [one.proof for one in option.attempts] == [Proof.SUSTAINED, Proof.CARRIED, Proof.CARRIED]
    assert option.latency_ms is not None
    assert option.latency_ms.median == 100.0
    assert report.complete


async def test_trials_are_a_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"dead": [silent], "reset": [fails("connection_reset")]})
    options = [make(name) for name in ("works", "dead", "reset")]
    for trials in (1, 2, 5):
        report = await play(monkeypatch, Script(script.acts), make_run_plan(*options, trials=trials))
        assert of(report, "works").success.trials == trials
        assert of(report, "dead").success.trials == min(trials, 2)
        assert of(report, "reset").success.trials == min(trials, 2)


async def test_when_everything_is_dropped_the_answer_comes_within_ten_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = [make(f"o{number}") for number in range(60)]
    report = await play(monkeypatch, Script({one.id: [silent] for one in options}), make_run_plan(*options))
    assert report.duration_s <= 10
    assert {one.status for one in report.options} == {Status.UNREACHABLE}
    assert {one.success.trials for one in report.options} == {2}


async def test_so_it_does_when_they_share_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence to everybody is not of our own crowding: nobody waits for a lone try."""
    options = [make(f"o{number}", host="127.9.9.9") for number in range(4)]
    report = await play(monkeypatch, Script({one.id: [silent] for one in options}), make_run_plan(*options))
    assert report.duration_s <= 10
    assert {one.success.trials for one in report.options} == {2}


async def test_a_failure_in_a_crowd_counts_only_if_it_stays_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"other": [carries], "crowded": [fails("eof_error", after=0.15), carries]})
    plan = make_run_plan(make("other", host="127.9.9.9"), make("crowded", host="127.9.9.9"))
    report = await play(monkeypatch, script, plan)
    option = of(report, "crowded")
    assert option.status is Status.WORKS
    first = option.attempts[0]
    assert (first.counted, first.why) == (False, "other connections to this address were open")


async def test_nothing_follows_a_refusal_or_a_wrong_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"a": [fails("ssl_unknown_authority")], "b": [fails("auth_rejected")]})
    report = await play(monkeypatch, script, make_run_plan(make("a"), make("b")))
    assert [of(report, name).success.trials for name in "ab"] == [1, 1]


async def test_the_deadline_is_kept_and_what_was_not_tried_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    options = [make(f"o{number}") for number in range(200)]
    script = Script({one.id: [silent] for one in options})
    plan = make_run_plan(*options, deadline=2.0)
    report = await play(monkeypatch, script, plan)
    assert report.duration_s == pytest.approx(2.0, abs=0.01)
    assert not report.complete
    assert {(one.status, one.reason) for one in report.options} == {(Status.NOT_RUN, Reason.DEADLINE)}
    cut_off = [attempt for one in report.options for attempt in one.attempts]
    assert {attempt.why for attempt in cut_off} == {"the deadline came"}
    assert not any(attempt.counted or attempt.failure for attempt in cut_off)


async def test_what_carried_before_the_deadline_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def carries_and_hangs(option: Option, context: Context) -> None:
        await carries(option, context)
        async with context.trace.step("sustain_down", limit=math.inf):
            await anyio.sleep_forever()

    report = await play(monkeypatch, Script({"a": [carries_and_hangs]}), make_run_plan(make("a"), deadline=3))
    option = of(report, "a")
    assert (option.status, option.proof, option.success.trials) == (Status.WORKS, Proof.CARRIED, 1)


async def test_stopping_gives_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"dead": [silent]})
    install(monkeypatch, script)
    plan = make_run_plan(make("works"), make("dead"))
    told: list[Event] = []
    run = CheckRun(plan, services_for(plan), told.append)
    async with anyio.create_task_group() as group:
        group.start_soon(run.run)
        await anyio.sleep(1)
        run.stop()
    last = told[-1]
    assert isinstance(last, Finished)
    assert of(last.report, "works").status is Status.WORKS
    assert of(last.report, "dead").reason is Reason.INTERRUPTED
    assert last.report.duration_s == pytest.approx(1.0, abs=0.01)


async def test_one_stopped_before_it_began_has_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Script())
    plan = make_run_plan(make("a"))
    told: list[Event] = []
    run = CheckRun(plan, services_for(plan), told.append)
    run.stop()
    await run.run()
    last = told[-1]
    assert isinstance(last, Finished)
    assert of(last.report, "a").reason is Reason.INTERRUPTED


async def test_the_budget_of_bytes_is_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def greedy(option: Option, context: Context) -> None:
        await carries(option, context)
        assert context.goal is Proof.CARRIED  # for all in full it would never suffice
        context.trace.bytes_received += 15_000

    options = [make(f"o{number}") for number in range(20)]
    script = Script({one.id: [greedy] for one in options})
    report = await play(monkeypatch, script, make_run_plan(*options, max_bytes=100_000, trials=1))
    assert report.bytes.sent + report.bytes.received <= 100_000
    words = [(one.status, one.reason) for one in report.options]
    assert words.count((Status.WORKS, None)) == 6
    assert words.count((Status.NOT_RUN, Reason.BUDGET)) == 14


async def test_a_small_budget_is_used_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    options = [make(f"o{number}") for number in range(5)]
    report = await play(monkeypatch, Script(), make_run_plan(*options, max_bytes=130_000, trials=1))
    assert {one.status for one in report.options} == {Status.WORKS}


async def test_a_long_list_stops_when_enough_work(monkeypatch: pytest.MonkeyPatch) -> None:
    options = [make(f"o{number}") for number in range(300)]
    anchor = make("anchor", "https", baseline=True)
    report = await play(monkeypatch, Script(), make_run_plan(anchor, *options, enough=3))
    reasons = [one.reason for one in report.options]
    assert reasons.count(Reason.ENOUGH) > 100


async def test_a_transport_that_cannot_gives_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cannot(_option: Option, _context: Context) -> None:
        raise CannotTry(Reason.MISSING_EXTRA, "needs circumvent[more]")

    report = await play(monkeypatch, Script({"a": [cannot]}), make_run_plan(make("a")))
    option = of(report, "a")
    assert (option.status, option.reason) == (Status.NOT_RUN, Reason.MISSING_EXTRA)
    assert option.reason_detail == "needs circumvent[more]"
    assert option.attempts == ()


async def test_what_was_sent_before_it_gave_up_stays_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gives_up(_option: Option, context: Context) -> None:
        context.trace.bytes_sent += 77
        raise CannotTry(Reason.UNSUPPORTED)

    report = await play(monkeypatch, Script({"a": [gives_up]}), make_run_plan(make("a")))
    option = of(report, "a")
    assert option.reason is Reason.UNSUPPORTED
    assert [(one.counted, one.bytes_sent) for one in option.attempts] == [(False, 77)]
    assert report.bytes.sent == 77


async def test_a_repeat_that_cannot_leaves_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cannot(_option: Option, _context: Context) -> None:
        raise CannotTry(Reason.OFFLINE)

    report = await play(monkeypatch, Script({"a": [carries, cannot]}), make_run_plan(make("a")))
    option = of(report, "a")
    assert (option.status, option.reason, option.reason_detail) == (Status.WORKS, None, None)
    assert option.success.trials == 1


async def test_a_mistake_of_ours_ends_one_attempt_and_not_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    async def blunders(_option: Option, _context: Context) -> None:
        raise KeyError("a server made us do it")

    report = await play(monkeypatch, Script({"a": [blunders]}), make_run_plan(make("a"), make("b")))
    assert of(report, "a").status is Status.UNREACHABLE
    assert of(report, "a").failure is not None
    assert of(report, "b").status is Status.WORKS


async def test_a_second_vantage_is_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dead_here(option: Option, context: Context) -> None:
        await (carries if script.tries("b") > 2 else silent)(option, context)

    script = Script({"b": [dead_here]})
    plan = make_run_plan(make("proxy", "socks5", port=1080), make("b", user=False))
    report = await play(monkeypatch, script, plan)
    option = of(report, "b")
    assert (option.status, option.evidence) == (Status.BLOCKED, Evidence.SECOND_VANTAGE)
    look = option.attempts[-1]
    assert (look.counted, look.why, look.via) == (False, "second vantage", "proxy")


async def test_the_users_own_endpoint_is_not_shown_to_a_tunnel_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    proxy = make("proxy", "socks5", port=1080)
    for asked, tries in ((False, 2), (True, 3)):
        script = Script({"b": [silent]})
        plan = make_run_plan(proxy, make("b"), cross_check=asked)
        report = await play(monkeypatch, script, plan)
        assert script.tries("b") == tries
        assert of(report, "b").status is Status.UNREACHABLE


async def test_events_tell_each_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Event] = []
    report = await play(
        monkeypatch, Script({"b": [silent]}), make_run_plan(make("a"), make("b")), events=told
    )
    assert isinstance(told[0], Started)
    assert isinstance(told[-1], Finished)
    finished = [one for one in told if isinstance(one, AttemptFinished)]
    begun = [one for one in told if isinstance(one, AttemptStarted)]
    assert len(finished) == len(begun) == sum(len(one.attempts) for one in report.options)
    last = {one.option.id: one.option.status for one in told if isinstance(one, OptionDecided)}
    assert last == {one.id: one.status for one in report.options}


async def test_a_report_diagnoses_to_the_same_verdicts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(
        {
            "dead": [silent],
            "reset": [fails("connection_reset"), carries],
            "cut": [fails("truncated_after_n_bytes", proof=Proof.CARRIED, step="sustain_down")],
        }
    )
    names = ("a", "dead", "reset", "cut")
    report = await play(monkeypatch, script, make_run_plan(*map(make, names)))
    again = conclude(report.options, report.network)
    assert again.options == report.options
    assert again.network == report.network


async def test_without_a_network_nothing_is_blocked_and_the_state_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def no_route(_option: Option, _context: Context) -> None:
        raise CannotTry(Reason.OFFLINE, "this machine has no route to the internet")

    options = [make(f"o{number}") for number in range(30)]
    line = Line(interface=None, addresses=(), gateways=(), ipv4=False, ipv6=False, carrier=False, tunnel=None)
    plan = make_run_plan(*options, anchors=None, line=line)
    report = await play(monkeypatch, Script({one.id: [no_route] for one in options}), plan)
    assert report.network.state is NetworkState.OFFLINE
    assert report.duration_s < 3
    assert {(one.status, one.reason) for one in report.options} == {(Status.NOT_RUN, Reason.OFFLINE)}


async def test_the_report_tells_how_busy_the_loop_was(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await play(monkeypatch, Script(), make_run_plan(make("a")))
    assert set(report.network.loop_lag_ms) == {"p50", "p95", "max"}


async def test_only_home_answers_and_the_second_look_comes_three_seconds_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = [make(f"home{n}", "https", user=False, baseline=True) for n in range(3)]
    abroad = [make(f"far{n}", "https", user=False, baseline=True) for n in range(9)]
    details = {
        one.id: {"anchor": {"class": "cdn", "network": one.id, "domestic": one in home}}
        for one in (*home, *abroad)
    }
    script = Script({one.id: [fails("connection_reset")] for one in abroad})
    plan = make_run_plan(*home, *abroad, anchors="given", details=details)
    report = await play(monkeypatch, script, plan)
    assert report.network.state is NetworkState.NATIONAL_ONLY
    for option in report.options:
        times = [one.t0 for one in option.attempts if one.counted]
        assert times[-1] - times[0] >= 3
