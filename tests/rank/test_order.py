"""The order is total: transitive, antisymmetric, the same however the options were shuffled."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.words import Scope, Status
from circumvent.rank.order import Candidate, in_order, on_one_footing, positions
from tests.rank.test_score import observed

if TYPE_CHECKING:
    import random

statuses = st.sampled_from([Status.WORKS, Status.DEGRADED, Status.UNSTABLE])


@st.composite
def fields(draw: st.DrawFn) -> list[Candidate]:
    count = draw(st.integers(1, 12))
    return [
        Candidate(
            id=f"o{number}",
            scope=draw(st.sampled_from(list(Scope))),
            status=draw(statuses),
            observed=draw(observed()),
            loss=draw(st.none() | st.floats(0, 1)),
        )
        for number in range(count)
    ]


@given(fields(), st.randoms(use_true_random=False))
def test_shuffling_changes_nothing(candidates: list[Candidate], shuffle: random.Random) -> None:
    again = list(candidates)
    shuffle.shuffle(again)
    assert [one.id for one in in_order(candidates)] == [one.id for one in in_order(again)]


@given(fields())
def test_no_two_share_a_place(candidates: list[Candidate]) -> None:
    assert len({one.key for one in candidates}) == len(candidates)


@given(fields())
def test_the_order_is_transitive(candidates: list[Candidate]) -> None:
    keys = [one.key for one in candidates]
    for a in keys:
        for b in keys:
            for c in keys:
                if a < b < c:
                    assert a < c


@given(fields())
def test_what_works_stands_before_what_has_limits_in_its_scope(candidates: list[Candidate]) -> None:
    ordered = in_order(candidates)
    for first, second in itertools.pairwise(ordered):
        if first.scope is second.scope:
            assert first.tier <= second.tier


@given(fields())
def test_ranks_restart_in_each_scope(candidates: list[Candidate]) -> None:
    ranked = positions(candidates)
    for scope in Scope:
        mine = [rank for rank, one in ranked if one.scope is scope]
        assert mine == list(range(1, len(mine) + 1))


def test_of_scores_alike_the_faster_line_wins() -> None:
    from circumvent.rank.score import Observed

    slow = Candidate(
        id="a", scope=Scope.PROXY, status=Status.WORKS, observed=Observed(latencies=(0.100,), rate=1000)
    )
    fast = Candidate(
        id="b", scope=Scope.PROXY, status=Status.WORKS, observed=Observed(latencies=(0.112,), rate=1200)
    )
    assert [one.id for one in in_order([slow, fast])] == ["b", "a"]


def test_voice_is_ordered_by_loss_then_latency() -> None:
    from circumvent.rank.score import Observed

    quick = Candidate(
        id="quick", scope=Scope.VOICE, status=Status.WORKS, observed=Observed(latencies=(0.01,)), loss=0.1
    )
    sound = Candidate(
        id="sound", scope=Scope.VOICE, status=Status.WORKS, observed=Observed(latencies=(0.2,)), loss=0.0
    )
    assert [one.id for one in in_order([quick, sound])] == ["sound", "quick"]


def test_who_was_not_asked_for_a_rate_is_not_ahead_of_who_was() -> None:
    from circumvent.rank.score import Observed

    def seen(name: str, rate: float | None, scope: Scope = Scope.APP) -> Candidate:
        observed = Observed(latencies=(0.1,) if rate is None else (0.1, 0.1), rate=rate)
        return Candidate(id=name, scope=scope, status=Status.WORKS, observed=observed)

    field = [seen("a", None), seen("b", 40.0), seen("c", 50.0), seen("d", 60.0), seen("e", None, Scope.PROXY)]
    assert in_order(field)[1].id == "a"
    assert in_order(field)[2].id == "d"
    level = {one.id: one.observed.effective_rate for one in on_one_footing(field)}
    assert level == {"a": 50.0, "b": 40.0, "c": 50.0, "d": 60.0, "e": 256.0}
    assert [one.id for one in in_order(on_one_footing(field))] == ["e", "d", "c", "a", "b"]
