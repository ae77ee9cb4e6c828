"""The verdict on one option: given these counted attempts, expect this status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model.words import Evidence, Proof, Reason, Status
from tests.diagnose.build import attempt, refused, silence

if TYPE_CHECKING:
    from circumvent.model.record import Attempt

NOTHING = Circumstances()


def test_all_carried_works() -> None:
    verdict = decide([attempt(), attempt(Proof.SUSTAINED)], NOTHING)
    assert (verdict.status, verdict.proof, verdict.failure) == (Status.WORKS, Proof.SUSTAINED, None)


def test_some_carried_is_unstable() -> None:
    verdict = decide([attempt(), silence()], NOTHING)
    assert verdict.status is Status.UNSTABLE
    assert verdict.failure is not None
    assert verdict.failure.error == "generic_timeout_error"


def test_two_silences_are_no_block() -> None:
    assert decide([silence(), silence()], NOTHING).status is Status.UNREACHABLE


@pytest.mark.parametrize(
    "error", ["connection_reset", "connection_refused", "host_unreachable", "dns_nxdomain_error", "eof_error"]
)
def test_what_censors_forge_and_dead_servers_do_is_no_block(error: str) -> None:
    assert decide([attempt(Proof.NONE, error)] * 2, NOTHING).status is Status.UNREACHABLE


@pytest.mark.parametrize("evidence", [Evidence.SECOND_VANTAGE, Evidence.CLASS])
def test_evidence_seen_twice_is_a_block(evidence: Evidence) -> None:
    around = Circumstances(evidence=evidence)
    assert decide([silence(), silence()], around).status is Status.BLOCKED
    assert decide([silence()], around).status is Status.UNREACHABLE


def test_with_no_way_out_nothing_is_blocked() -> None:
    around = Circumstances(evidence=Evidence.CLASS, no_way_out=True)
    assert decide([silence(), silence()], around).status is Status.UNREACHABLE


def test_what_this_machine_forbids_is_no_block() -> None:
    local = [attempt(Proof.NONE, "permission_denied")] * 2
    assert decide(local, Circumstances(evidence=Evidence.CLASS)).status is Status.UNREACHABLE


@pytest.mark.parametrize("authenticated", [True, False])
def test_a_no_in_the_protocols_own_words_is_refused(*, authenticated: bool) -> None:
    verdict = decide([refused(authenticated=authenticated)], NOTHING)
    assert verdict.status is Status.REFUSED
    assert verdict.detail["authenticated"] is authenticated


def test_another_identity_is_unreachable() -> None:
    assert decide([attempt(Proof.REACHED, "wrong_key")], NOTHING).status is Status.UNREACHABLE


def test_a_cut_flow_is_degraded_and_says_where() -> None:
    cut = attempt(Proof.CARRIED, "truncated_after_n_bytes", step="sustain_down", cut_bytes=16_000)
    verdict = decide([cut, attempt()], NOTHING)
    assert verdict.status is Status.DEGRADED
    assert verdict.detail == {"limit": "cut", "cut_bytes": 16_000}
    assert verdict.failure is not None
    assert verdict.failure.error == "truncated_after_n_bytes"


def test_slow_is_degraded_only_where_the_line_does_ten_times_more() -> None:
    slow = [attempt(Proof.SUSTAINED, down_kbps=50.0)]
    assert decide(slow, NOTHING).status is Status.WORKS
    assert decide(slow, Circumstances(line_kbps=400.0)).status is Status.WORKS
    assert decide(slow, Circumstances(line_kbps=500.0)).status is Status.DEGRADED


def test_a_resolver_that_carries_and_lies_is_degraded() -> None:
    verdict = decide([attempt()], Circumstances(lies=True))
    assert verdict.status is Status.DEGRADED
    assert verdict.failure is not None
    assert verdict.failure.error == "wrong_answer"


def test_some_controls_wrong_is_degraded_with_the_first_wrong_one() -> None:
    controls = [{"ok": True}, {"ok": False, "failure": "wrong_answer"}, {"ok": False, "failure": "eof_error"}]
    partly = attempt(step="carry", detail={"partly": True, "controls": controls})
    verdict = decide([partly], NOTHING)
    assert (verdict.status, verdict.detail["limit"]) == (Status.DEGRADED, "partly")
    assert verdict.failure is not None
    assert verdict.failure.error == "wrong_answer"


def test_nothing_counted_is_not_run_with_its_reason() -> None:
    assert decide([], Circumstances(held_back=Reason.NAME_PRIVATE)).reason is Reason.NAME_PRIVATE
    stopped = [attempt(Proof.NONE, counted=False, why="the deadline came")]
    assert decide(stopped, Circumstances(held_back=Reason.DEADLINE)).reason is Reason.DEADLINE
    assert decide([attempt(counted=False, poisoned=True)], NOTHING).reason is Reason.POISONED


def test_the_failure_is_the_most_frequent_then_the_latest() -> None:
    tries = [attempt(Proof.NONE, "connection_reset"), silence(), silence()]
    failure = decide(tries, NOTHING).failure
    assert failure is not None
    assert failure.error == "generic_timeout_error"
    failure = decide([silence(), attempt(Proof.NONE, "connection_reset")], NOTHING).failure
    assert failure is not None
    assert failure.error == "connection_reset"


some_attempts = st.lists(
    st.sampled_from(
        [
            attempt(),
            attempt(Proof.SUSTAINED),
            silence(),
            attempt(Proof.NONE, "connection_reset"),
            refused(authenticated=False),
            attempt(counted=False),
            attempt(Proof.CARRIED, "truncated_after_n_bytes", cut_bytes=9000),
        ]
    ),
    max_size=6,
)
circumstances = st.builds(
    Circumstances,
    lies=st.booleans(),
    evidence=st.none() | st.sampled_from(list(Evidence)),
    no_way_out=st.booleans(),
    held_back=st.none() | st.sampled_from(list(Reason)),
)


@given(some_attempts, circumstances)
def test_works_only_where_every_counted_attempt_carried(tries: list[Attempt], around: Circumstances) -> None:
    verdict = decide(tries, around)
    counted = [one for one in tries if one.counted]
    if verdict.status in {Status.WORKS, Status.DEGRADED}:
        assert counted
        assert all(one.carried for one in counted)
    if verdict.status is Status.BLOCKED:
        assert around.evidence is not None
        assert not around.no_way_out
        assert not any(one.carried for one in counted)
    assert (verdict.status is Status.NOT_RUN) == (not counted)
    assert (verdict.reason is not None) == (verdict.status is Status.NOT_RUN)
    assert (verdict.failure is None) or verdict.status is not Status.WORKS
