"""The words: a ladder that orders, and spellings that never change."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.words import Proof, Reason, Scope, Status

PROOFS = st.sampled_from(Proof)


def test_the_ladder_goes_from_nothing_to_both_ways() -> None:
    assert list(Proof) == ["none", "reached", "handshaken", "carried", "sustained"]
    assert all(higher.rung == lower.rung + 1 for lower, higher in pairwise(Proof))


@given(PROOFS, PROOFS)
def test_of_two_proofs_one_includes_the_other(one: Proof, other: Proof) -> None:
    assert one.at_least(other) or other.at_least(one)
    assert (one.at_least(other) and other.at_least(one)) == (one is other)


@pytest.mark.parametrize("words", [Proof, Reason, Scope, Status])
def test_words_are_what_stands_in_reports(words: type[Proof | Reason | Scope | Status]) -> None:
    for word in words:
        assert str(word) == word.value == word.name.lower()
