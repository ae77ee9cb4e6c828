"""Values as people write them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.cli.values import ValueProblem, choice, count, seconds, size, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20MB", 20_000_000),
        ("500kB", 500_000),
        ("500 KB", 500_000),
        ("1.5m", 1_500_000),
        ("1000", 1000),
        ("2GB", 2 * 10**9),
    ],
)
def test_sizes(text: str, expected: int) -> None:
    assert size("--max-bytes", text) == expected


def test_each_mistake_names_option_fault_and_example() -> None:
    with pytest.raises(ValueProblem) as caught:
        seconds("--deadline", "soon")
    assert str(caught.value) == '--deadline: "soon" is not a number of seconds. Example: --deadline 20'
    with pytest.raises(ValueProblem, match=r"--trials: \"3.5\" is not a whole number"):
        count("--trials", "3.5")
    with pytest.raises(ValueProblem, match='--max-bytes: "lots" is not a size'):
        size("--max-bytes", "lots")
    with pytest.raises(ValueProblem, match='--redact: "all" is none of none, default, strict'):
        choice("--redact", "all", ("none", "default", "strict"))


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", ""])
def test_no_number_of_seconds(text: str) -> None:
    with pytest.raises(ValueProblem):
        seconds("--deadline", text)


@given(st.text(max_size=50))
def test_whatever_is_written_ends_in_a_value_or_a_sentence(text: str) -> None:
    for read in (seconds, count, size):
        with suppress(ValueProblem):
            read("--x", text)


def test_a_hostile_value_is_repeated_harmless() -> None:
    with pytest.raises(ValueProblem) as caught:
        size("--max-bytes", "\x1b[31m")
    assert "\x1b" not in str(caught.value)


def test_words_are_given_with_commas_or_repeated() -> None:
    assert words(["doh, dot", "doq", ","]) == ("doh", "dot", "doq")
