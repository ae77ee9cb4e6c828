"""What is tried next: given what happened so far, expect these jobs."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.check.schedule import CALM, MOST_HAMPERED, Entry, Job, Schedule, Work, second_try_limit
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Proof, Reason, Status
from circumvent.net.trace import BUSY
from circumvent.rank.order import Candidate
from circumvent.rank.score import observe
from tests.diagnose.build import attempt, refused, silence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from circumvent.model.record import Attempt


def make(name: str, *, baseline: bool = False) -> Option:
    return Option(
        id=name,
        kind="dot",
        label=name,
        endpoint=Endpoint(host=f"{name}.example", port=853),
        origin=Origin(source="catalogue"),
        baseline=baseline,
    )


def candidates(entries: Iterable[Entry]) -> list[Candidate]:
    found = []
    for entry in entries:
        seen = observe(entry.attempts)
        if seen.latencies:
            status = Status.UNSTABLE if seen.failures else Status.WORKS
            found.append(
                Candidate(id=entry.option.id, scope=entry.option.scope, status=status, observed=seen)
            )
    return found


def schedule(*names: str, trials: int = 3, enough: int | None = None, short: bool = False) -> Schedule:
    options = [make(name) for name in names]
    return Schedule(options, trials=trials, enough=enough, short=short, candidates=candidates)


def works(plan: Schedule, room: int = 10) -> list[tuple[str, Work]]:
    return [(job.option.id, job.work) for job in plan.next_jobs(room)]


def one(plan: Schedule) -> Job:
    (job,) = plan.next_jobs(1)
    return job


def test_first_tries_come_in_the_order_given_and_go_for_the_whole_ladder() -> None:
    jobs = schedule("a", "b").next_jobs(10)
    assert [job.option.id for job in jobs] == ["a", "b"]
    assert all(job.goal is Proof.SUSTAINED for job in jobs)


def test_room_is_respected() -> None:
    assert len(schedule("a", "b", "c").next_jobs(2)) == 2


def test_a_timeout_gets_one_second_try_with_more_time_and_no_third() -> None:
    plan = schedule("a")
    plan.finished(one(plan), silence(), shared=False)
    second = one(plan)
    assert second.work is Work.SECOND
    plan.finished(second, silence(), shared=False)
    assert plan.next_jobs(1) == []
    assert plan.done


def hampered() -> Attempt:
    return msgspec.structs.replace(silence(), counted=False, why=BUSY)


def test_what_a_busy_machine_spoiled_is_tried_again_when_few_others_are_under_way() -> None:
    plan = schedule("a", *(f"b{number}" for number in range(CALM)))
    spoiled, *others = plan.next_jobs(10)
    plan.finished(spoiled, hampered(), shared=False)
    assert plan.next_jobs(10) == []
    assert not plan.done
    plan.finished(others[0], refused(authenticated=True), shared=False)
    again = one(plan)
    assert (again.option.id, again.work) == ("a", Work.AGAIN)
    plan.finished(again, silence(), shared=False)
    assert one(plan).work is Work.SECOND


def test_a_machine_that_stays_busy_gives_no_verdict() -> None:
    plan = schedule("a")
    for _ in range(1 + MOST_HAMPERED):
        plan.finished(one(plan), hampered(), shared=False)
    assert plan.done
    assert plan.entries["a"].held_back is Reason.DEADLINE
    assert plan.entries["a"].counted == []


def test_a_reset_is_retried_once() -> None:
    plan = schedule("a")
    plan.finished(one(plan), attempt(Proof.NONE, "connection_reset"), shared=False)
    again = one(plan)
    assert again.work is Work.RETRY
    plan.finished(again, attempt(Proof.NONE, "connection_reset"), shared=False)
    assert plan.next_jobs(1) == []


def test_with_one_trial_nothing_is_tried_again() -> None:
    plan = schedule("a", trials=1)
    plan.finished(one(plan), silence(), shared=False)
    assert plan.next_jobs(1) == []


def test_nothing_is_repeated_after_a_refusal() -> None:
    plan = schedule("a")
    plan.finished(one(plan), refused(authenticated=False), shared=False)
    assert plan.next_jobs(1) == []
    assert plan.done


def test_nor_after_a_wrong_certificate_or_where_this_machine_forbids() -> None:
    for error in ("ssl_unknown_authority", "ssl_expired", "wrong_key", "permission_denied"):
        plan = schedule("a")
        plan.finished(one(plan), attempt(Proof.NONE, error), shared=False)
        assert plan.next_jobs(1) == [], error


def test_a_failure_beside_other_connections_is_tried_alone_and_then_does_not_count() -> None:
    plan = schedule("a")
    plan.finished(one(plan), attempt(Proof.NONE, "eof_error"), shared=True)
    alone = one(plan)
    assert alone.work is Work.ALONE
    assert alone.alone
    plan.finished(alone, attempt(), shared=False)
    first, second = plan.entries["a"].attempts
    assert not first.counted
    assert first.why is not None
    assert second.counted


def test_two_that_stall_at_one_address_are_tried_twice_each_and_no_more() -> None:
    """Each try beside the other is made once more alone; that the second was crowded too is no reason for a third."""
    plan, made = schedule("a"), []
    while jobs := plan.next_jobs(1):
        made.append(jobs[0].work)
        plan.finished(jobs[0], silence(), shared=not jobs[0].alone)
    assert made == [Work.FIRST, Work.ALONE, Work.SECOND, Work.ALONE]
    assert [attempt.counted for attempt in plan.entries["a"].attempts] == [False, True, False, True]


def test_without_the_lone_try_the_failure_counts() -> None:
    plan = schedule("a")
    plan.finished(one(plan), attempt(Proof.NONE, "eof_error"), shared=True)
    assert plan.entries["a"].attempts[0].counted


def test_what_works_is_repeated_up_to_the_limit_and_only_carries_then() -> None:
    plan = schedule("a")
    plan.finished(one(plan), attempt(Proof.SUSTAINED), shared=False)
    for _ in range(2):
        job = one(plan)
        assert (job.work, job.goal) == (Work.REPEAT, Proof.CARRIED)
        plan.finished(job, attempt(), shared=False)
    assert plan.next_jobs(1) == []


def test_first_tries_come_before_repeats() -> None:
    plan = schedule("a", "b")
    plan.finished(one(plan), attempt(), shared=False)
    assert works(plan) == [("b", Work.FIRST), ("a", Work.REPEAT)]


def test_baseline_rows_are_not_repeated_and_an_anchor_that_answered_is_done() -> None:
    plan = Schedule([make("anchor", baseline=True)], trials=3, candidates=candidates)
    job = one(plan)
    assert job.goal is Proof.CARRIED
    plan.finished(job, attempt(Proof.HANDSHAKEN, "http_unexpected_status_code"), shared=False)
    assert plan.next_jobs(1) == []


def test_a_long_list_stops_when_enough_works() -> None:
    plan = schedule("a", "b", "c", "d", enough=2)
    for _ in range(2):
        plan.finished(one(plan), attempt(), shared=False)
    plan.next_jobs(10)
    assert plan.entries["c"].held_back is Reason.ENOUGH
    assert plan.entries["d"].held_back is Reason.ENOUGH


def test_second_tries_get_more_time_on_a_bad_line_if_there_is_any() -> None:
    assert second_try_limit(limit=3.5, bad_line=False, left=30) == 5
    assert second_try_limit(limit=3.5, bad_line=True, left=30) == 15
    assert second_try_limit(limit=3.5, bad_line=True, left=10) == 5
    assert second_try_limit(limit=8.0, bad_line=False, left=30) == 8


ENDS: list[Callable[[], Attempt]] = [
    lambda: attempt(Proof.SUSTAINED),
    attempt,
    silence,
    lambda: attempt(Proof.NONE, "connection_reset"),
    lambda: refused(authenticated=True),
    lambda: attempt(Proof.CARRIED, "truncated_after_n_bytes", cut_bytes=9000),
]


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 5))
@settings(max_examples=60)
def test_every_run_ends_and_no_option_is_tried_more_often_than_allowed(
    seed: int, count: int, trials: int
) -> None:
    chance = Random(seed)
    plan = schedule(*(f"o{number}" for number in range(count)), trials=trials)
    running: list[Job] = []
    for _ in range(count * (trials + 3)):
        running.extend(plan.next_jobs(4 - len(running)))
        assert len({job.option.id for job in running}) == len(running)
        if not running:
            break
        job = running.pop(chance.randrange(len(running)))
        made = chance.choice(ENDS)()
        plan.finished(job, made, shared=chance.random() < 0.3)
    assert plan.done
    assert plan.next_jobs(1) == []
    for entry in plan.entries.values():
        assert len(entry.counted) <= max(trials, 1)
        assert entry.attempts


def bridges(count: int, *, enough: int | None) -> Schedule:
    options = [
        Option(
            id=f"b{number}",
            kind="tor",
            label="bridge",
            endpoint=Endpoint(host=f"192.0.2.{number}", port=443),
            origin=Origin(source="argument"),
        )
        for number in range(1, count + 1)
    ]
    return Schedule([*options, make("a")], trials=1, enough=enough, candidates=candidates)


def test_bridges_of_a_long_list_are_tried_four_at_a_time_and_no_more_than_needed() -> None:
    plan = bridges(9, enough=3)
    first = plan.next_jobs(20)
    assert [job.option.id for job in first] == ["b1", "b2", "b3", "b4", "a"]
    assert plan.next_jobs(20) == []
    for job in first[:3]:
        plan.finished(job, attempt(), shared=False)
    assert plan.next_jobs(20) == []
    assert {entry.held_back for entry in plan.entries.values()} == {None, Reason.ENOUGH}


def test_a_bridge_that_fails_makes_room_for_the_next() -> None:
    plan = bridges(6, enough=3)
    first = plan.next_jobs(20)
    plan.finished(first[0], refused(authenticated=True), shared=False)
    assert [job.option.id for job in plan.next_jobs(20)] == ["b5"]


def test_all_bridges_are_tried_at_once_where_nothing_stops_them() -> None:
    assert len(bridges(9, enough=None).next_jobs(20)) == 10


def test_in_a_list_tried_short_only_repeats_move_many_bytes_and_once() -> None:
    plan = schedule("a", trials=4, short=True)
    plan.finished(one(plan), silence(), shared=False)
    second = one(plan)
    assert (second.work, second.goal) == (Work.SECOND, Proof.CARRIED)
    plan.finished(second, attempt(Proof.CARRIED), shared=False)
    third = one(plan)
    assert (third.work, third.goal) == (Work.REPEAT, Proof.SUSTAINED)
    plan.finished(third, attempt(Proof.SUSTAINED), shared=False)
    fourth = one(plan)
    assert (fourth.work, fourth.goal) == (Work.REPEAT, Proof.CARRIED)
