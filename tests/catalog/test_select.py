"""What one run tries: few, of many, another few each time, and never more than the user wants to show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from circumvent import catalog
from circumvent.catalog.select import FEW, FEW_OF, MOST_MARKING, select, words_of
from circumvent.model.kinds import FAMILIES, KINDS
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Exposure

OPTIONS = catalog.options()
MINE = Option(
    id="socks5-aaaaaaaa",
    kind="socks5",
    label="mine",
    endpoint=Endpoint(host="proxy.example", port=1080),
    origin=Origin(source="argument", line=1),
)
MARKING = tuple(
    replace(OPTIONS[0], id=f"marking-{number}", operator=f"o{number}", exposure_override=Exposure.MARKING)
    for number in range(9)
)


def test_every_family_is_there_with_few_of_each_kind() -> None:
    chosen = select(OPTIONS, random=Random(1))
    counts = Counter((option.kind, option.exposure) for option in chosen)
    left_out = {option.kind for option in OPTIONS} - {option.kind for option in chosen}
    assert {option.kind for option in OPTIONS if option.exposure is Exposure.MARKING} > left_out
    assert sum(option.exposure is Exposure.MARKING for option in chosen) == MOST_MARKING
    assert all(count <= FEW_OF.get(group, FEW) for group, count in counts.items())


def test_two_runs_have_different_subsets() -> None:
    sets = {frozenset(option.id for option in select(OPTIONS, random=Random(seed))) for seed in range(20)}
    assert len(sets) == 20


def test_the_same_chance_gives_the_same_subset() -> None:
    assert select(OPTIONS, random=Random(7)) == select(OPTIONS, random=Random(7))


def test_operators_take_turns() -> None:
    chosen = [option for option in select(OPTIONS, random=Random(3)) if option.kind == "doh"]
    assert len({option.operator for option in chosen}) == len(chosen)


def test_careful_is_ordinary_only() -> None:
    chosen = select(OPTIONS, random=Random(1), careful=True)
    assert {option.exposure for option in chosen} == {Exposure.ORDINARY}
    assert {"doh", "dot", "https", "h3"} <= {option.kind for option in chosen}


def test_include_brings_back_what_careful_leaves_out() -> None:
    chosen = select(OPTIONS, random=Random(1), careful=True, include=["voice"])
    assert "stun" in {option.kind for option in chosen}
    assert "doq" not in {option.kind for option in chosen}


def test_what_the_user_named_is_tried_also_when_careful() -> None:
    assert MINE in select([MINE, *OPTIONS], random=Random(1), careful=True)


def test_only_and_skip_apply_to_all_but_the_baseline_stays() -> None:
    chosen = select([MINE, *OPTIONS], random=Random(1), only=["dot"])
    assert {option.kind for option in chosen if not option.baseline} == {"dot"}
    assert any(option.baseline for option in chosen)
    assert MINE not in select([MINE, *OPTIONS], random=Random(1), skip=["proxy"])
    assert not select(OPTIONS, random=Random(1), skip=[*FAMILIES])


def test_of_what_marks_the_user_there_are_three_in_all() -> None:
    chosen = select(MARKING, random=Random(1), everything=True)
    assert len(chosen) == MOST_MARKING


def test_everything_lifts_the_other_limits() -> None:
    chosen = select(OPTIONS, random=Random(1), everything=True)
    rest = tuple(option for option in OPTIONS if option.exposure is not Exposure.MARKING)
    assert tuple(option for option in chosen if option.exposure is not Exposure.MARKING) == rest
    assert len(chosen) - len(rest) == MOST_MARKING


@given(
    seed=st.integers(0, 1000),
    careful=st.booleans(),
    include=st.sets(st.sampled_from([*KINDS, *FAMILIES, *map(str, Exposure)]), max_size=3),
    only=st.sets(st.sampled_from([*KINDS, *FAMILIES]), max_size=3),
    skip=st.sets(st.sampled_from([*KINDS, *FAMILIES]), max_size=3),
)
def test_a_selection_obeys_in_any_combination(
    seed: int, careful: bool, include: set[str], only: set[str], skip: set[str]
) -> None:
    pool = [*OPTIONS, MINE, *MARKING]
    chosen = select(pool, random=Random(seed), careful=careful, include=include, only=only, skip=skip)
    assert [option for option in pool if option in chosen] == list(chosen)
    for option in chosen:
        assert words_of(option).isdisjoint(skip)
        assert not only or option.baseline or words_of(option) & only
        if careful and not option.held_by_user:
            assert option.exposure is Exposure.ORDINARY or words_of(option) & include
    assert sum(option.exposure is Exposure.MARKING for option in chosen) <= MOST_MARKING
