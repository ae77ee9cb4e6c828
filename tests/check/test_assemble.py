"""From what the check holds to what it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from circumvent.check.assemble import Assembler, exit_code, observed, rounded
from circumvent.check.notes import Course
from circumvent.check.schedule import Entry
from circumvent.model.report import Network, OptionReport, Report, RunSettings, Target, Tool
from circumvent.model.words import NetworkState, Reason, Status
from circumvent.net.clock import Clock
from tests.check.fakes import make, make_run_plan
from tests.diagnose.build import attempt, option, silence


def report(
    *options: OptionReport, state: NetworkState = NetworkState.UNKNOWN, targets: tuple[Target, ...] = ()
) -> Report:
    return Report(
        id="0",
        started="2026-11-22T10:00:00Z",
        duration_s=1.0,
        tool=Tool(version="0"),
        settings=RunSettings(deadline_s=30.0, trials=3),
        network=Network(state=state),
        options=options,
        targets=targets,
    )


def one(status: Status, kind: str = "socks5", **fields: Any) -> OptionReport:
    return msgspec.structs.replace(option("a", kind), status=status, **fields)


def code(*options: OptionReport, **fields: Any) -> int:
    need, interrupted = fields.pop("need", None), fields.pop("interrupted", False)
    return exit_code(report(*options, **fields), need=need, interrupted=interrupted)


@pytest.mark.parametrize("status", [Status.WORKS, Status.DEGRADED, Status.UNSTABLE])
def test_what_may_be_used_is_zero_wherever_one_is(status: Status) -> None:
    assert code(one(status), state=NetworkState.CAPTIVE_PORTAL) == 0
    assert code(one(status), interrupted=True) == 3


def test_a_liar_a_baseline_row_and_voice_are_no_way() -> None:
    assert code(one(Status.DEGRADED, "dot", detail={"lies": True, "limit": "wrong_answer"})) == 1
    assert code(one(Status.WORKS, baseline=True)) == 1
    assert code(one(Status.WORKS, "stun")) == 1
    assert code(one(Status.WORKS, "stun"), need="voice") == 0
    assert code(one(Status.WORKS), need="names") == 1


@pytest.mark.parametrize(
    "state", [NetworkState.OFFLINE, NetworkState.LOCAL_ONLY, NetworkState.CAPTIVE_PORTAL]
)
def test_no_way_out_comes_before_the_deadline(state: NetworkState) -> None:
    assert code(one(Status.NOT_RUN, reason=Reason.DEADLINE), state=state) == 4


def test_the_deadline_and_the_budget_are_three_and_the_rest_is_one() -> None:
    dead = one(Status.UNREACHABLE)
    for reason in (Reason.DEADLINE, Reason.BUDGET):
        assert code(dead, one(Status.NOT_RUN, reason=reason)) == 3
    assert code(dead, one(Status.NOT_RUN, reason=Reason.MISSING_EXTRA)) == 1
    assert code(dead, state=NetworkState.NATIONAL_ONLY) == 1


def test_where_only_a_target_was_asked_for_it_decides() -> None:
    assert code(targets=(Target(name="a", direct=Status.WORKS),)) == 0
    assert code(targets=(Target(name="a", direct=Status.UNREACHABLE),)) == 1
    assert code(targets=(Target(name="a", direct=Status.NOT_RUN, reason=Reason.DEADLINE),)) == 3


def assembler() -> Assembler:
    return Assembler(make_run_plan(), Clock())


def test_a_bad_line_is_slow_lossy_or_jittery() -> None:
    def entry(*details: dict[str, Any]) -> Entry:
        return Entry(make("a"), attempts=[attempt(detail=one, address="198.51.100.1") for one in details])

    bad = assembler().bad_line
    assert not bad(None)
    assert not bad(0.3, [entry({"kernel_rtt_ms": 80.0}, {"kernel_rtt_ms": 90.0})])
    assert bad(0.5)
    assert bad(0.1, [entry({"syn_retransmits": 1})])
    assert bad(0.1, [entry({"loss": 0.2})])
    assert bad(0.1, [entry({"kernel_rtt_ms": 80.0}, {"kernel_rtt_ms": 400.0})])


def test_candidates_follow_the_attempts() -> None:
    made, entry = assembler(), Entry(make("a"))
    assert made.candidates([entry]) == []
    entry.attempts.append(attempt())
    assert [one.status for one in made.candidates([entry])] == [Status.WORKS]
    entry.attempts.append(silence())
    assert [one.status for one in made.candidates([entry])] == [Status.UNSTABLE]


def test_what_was_not_tried_says_why_it_ended() -> None:
    made = assembler()
    for ended, reason in ((None, Reason.DEADLINE), (Reason.INTERRUPTED, Reason.INTERRUPTED)):
        entries = [Entry(make("a"))]
        found = made.report(entries, {}, used=report().bytes, course=Course(ended_by=ended)).options[0]
        assert (found.status, found.reason) == (Status.NOT_RUN, reason)


def test_an_option_is_reported_without_its_secrets_and_times_are_short() -> None:
    row = observed(make("a"), [attempt(t0=0.123456789, t=0.2)], held_detail=None)
    assert row.attempts[0].t0 == 0.1235
    assert rounded(attempt(latency_ms=71.23456)).latency_ms == 71.23
    assert row.origin == "user"
