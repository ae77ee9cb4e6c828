"""Who is tried again: the top of each scope, fewest tries first, and a mixed one only while it can still rise."""

from __future__ import annotations

from circumvent.model.words import Scope, Status
from circumvent.rank.order import Candidate
from circumvent.rank.repeat import next_repeats
from circumvent.rank.score import Observed


def one(
    name: str, *latencies: float, failures: tuple[float, ...] = (), scope: Scope = Scope.NAMES
) -> Candidate:
    status = Status.UNSTABLE if failures else Status.WORKS
    return Candidate(
        id=name, scope=scope, status=status, observed=Observed(latencies=latencies, failures=failures)
    )


def test_the_first_three_of_a_scope_are_repeated() -> None:
    field = [one("a", 0.1), one("b", 0.2), one("c", 0.3), one("d", 2.0), one("e", 3.0)]
    assert next_repeats(field, 3) == ["a", "b", "c"]


def test_fewest_tries_come_first() -> None:
    assert next_repeats([one("a", 0.1, 0.1), one("b", 0.2)], 3) == ["b", "a"]


def test_nobody_is_tried_more_often_than_asked() -> None:
    assert next_repeats([one("a", 0.1, 0.1, 0.1)], 3) == []


def test_each_scope_has_its_own_top() -> None:
    field = [one(name, 0.1 * number) for number, name in enumerate("abcd", 1)]
    field += [one("p", 5.0, scope=Scope.PROXY)]
    assert set(next_repeats(field, 3)) == {"a", "b", "c", "p"}


def test_a_mixed_one_is_repeated_only_while_it_can_beat_the_third() -> None:
    field = [one("a", 0.1, 0.1, 0.1), one("b", 0.1, 0.1, 0.1), one("c", 3.0, 3.0, 3.0)]
    hopeful = one("m", 0.1, failures=(1.0,))
    hopeless = one("n", 9.0, failures=(9.0,))
    assert next_repeats([*field, hopeful, hopeless], 3) == ["m"]
