"""From tables to values: given this document, expect this value, or this complaint in this line."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.lab.scenario_build import BuildError, Place, build, line_of, shown


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A part of an animal."""

    length: float
    toes: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Animal:
    """A value with all sorts of fields."""

    name: str
    legs: tuple[Leg, ...] = ()
    tail: Leg | None = None

    def __post_init__(self) -> None:
        if len(self.legs) % 2:
            raise ValueError("legs come in pairs")


DOCUMENT = """
name = "cow"
[tail]
length = 1
[[legs]]
length = 0.5
toes = [1, 2]
[[legs]]
length = 0.5
"""


def test_tables_become_frozen_values() -> None:
    cow = build(Animal, tomllib.loads(DOCUMENT))
    assert cow == Animal(
        name="cow", legs=(Leg(length=0.5, toes=(1, 2)), Leg(length=0.5)), tail=Leg(length=1.0)
    )


@pytest.mark.parametrize(
    ("change", "place", "words", "line"),
    [
        (("toes", "tose"), ("legs", 0, "tose"), 'Did you mean "toes"?', 7),
        (("name =", "title ="), ("title",), "there is no", 2),
        (("length = 1\n", ""), ("tail",), "length is missing", 3),
        (("[1, 2]", '["a"]'), ("legs", 0, "toes"), "Expected `int`", 7),
        (("[[legs]]\nlength = 0.5\ntoes = [1, 2]\n", ""), (), "legs come in pairs", None),
    ],
)
def test_a_mistake_is_named_with_its_line(
    change: tuple[str, str], place: Place, words: str, line: int | None
) -> None:
    text = DOCUMENT.replace(*change)
    with pytest.raises(BuildError) as caught:
        build(Animal, tomllib.loads(text))
    assert caught.value.place == place
    assert words in caught.value.sentence
    assert line_of(text, place) == line


def test_places_are_shown_as_people_count() -> None:
    assert shown(("rule", 1, "then", "drop")) == "rule[2].then.drop"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=10,
    )
)
def test_whatever_is_no_animal_is_refused_in_our_own_words(value: Any) -> None:
    try:
        build(Animal, value)
    except BuildError as error:
        assert str(error)  # noqa: PT017 - any other exception fails
