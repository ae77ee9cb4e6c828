"""A report judged again: from what was observed, and not where that was taken out of it.

That every report of a check comes back as it was is asserted wherever a check is run (``tests/check/in_lab.py``).
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from circumvent.check.again import judge_again
from circumvent.model.report import Network, Report, ReportError, RunSettings, Tool
from circumvent.model.words import NetworkState, Proof, Redaction, Status
from tests.diagnose.build import attempt, option, silence


def report(**changes: Any) -> Report:
    """One option that carries and one that is silent, with whatever verdicts somebody wrote beside them."""
    plain = Report(
        id="0" * 16,
        started="2026-11-22T16:00:00Z",
        duration_s=2.0,
        tool=Tool(version="0.0.1"),
        settings=RunSettings(deadline_s=30, trials=3),
        network=Network(state=NetworkState.OPEN),
        options=(
            option("up.example", "dot", attempt(Proof.SUSTAINED), status=Status.UNREACHABLE, text="dead"),
            option("down.example", "dot", silence(), silence(), status=Status.WORKS, text="fine"),
        ),
    )
    return msgspec.structs.replace(plain, **changes)


def test_verdicts_rank_and_advice_are_those_of_this_version() -> None:
    again = judge_again(report())
    up, down = again.options
    assert (up.status, up.proof) == (Status.WORKS, Proof.SUSTAINED)
    assert down.status is Status.UNREACHABLE
    assert "dead" not in (up.text or "")
    assert [one.id for one in again.ranking] == ["up.example"]
    assert [one.id for one in again.recommendations] == ["up.example"]


def test_what_was_observed_stays() -> None:
    before = report()
    after = judge_again(before)
    assert [one.attempts for one in after.options] == [one.attempts for one in before.options]
    assert (after.id, after.started, after.tool) == (before.id, before.started, before.tool)


def test_once_more_changes_nothing() -> None:
    once = judge_again(report())
    assert judge_again(once) == once


def test_in_a_long_list_what_was_not_measured_is_not_ahead_of_what_was() -> None:
    slow = option("a.example", "dot", attempt(Proof.SUSTAINED, down_kbps=80.0))
    unmeasured = option("b.example", "dot", attempt(latency_ms=150.0))
    long = RunSettings(deadline_s=30, trials=3, long_list=True)
    first, _ = judge_again(report(options=(slow, unmeasured), settings=long)).ranking
    assert first.id == "a.example"
    first, _ = judge_again(report(options=(slow, unmeasured))).ranking
    assert first.id == "b.example"


@pytest.mark.parametrize("level", [Redaction.DEFAULT, Redaction.STRICT])
def test_a_redacted_report_is_not_judged(level: Redaction) -> None:
    with pytest.raises(ReportError, match="redacted"):
        judge_again(report(redaction=level))
