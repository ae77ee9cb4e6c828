"""Problems: place, fault, remedy, and no echo."""

from __future__ import annotations

import pytest

from circumvent.inputs.problem import UNUSABLE, Count, Parsed, Problem, repeats, without_echo


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("l.txt", 4, "it is cut."), "l.txt:4: it is cut."),
        (Problem("l.txt", None, "it is cut."), "l.txt: it is cut."),
        (Problem("argument", 2, "it is cut."), "argument 2: it is cut."),
        (Problem("stdin", 1, "it is cut."), "stdin:1: it is cut."),
    ],
)
def test_a_problem_begins_with_its_place(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_eight_characters_are_an_echo_and_seven_are_none() -> None:
    assert repeats("the word is 12345678", "x12345678x")
    assert not repeats("the word is 1234567", "x1234567x")


def test_the_options_own_name_is_no_echo() -> None:
    assert not repeats('option "my office" is left out', "kind label=my office", label="my office")
    assert repeats('option "my office" is left out', "kind label=my office")


def test_the_first_sentence_without_echo_is_taken() -> None:
    assert without_echo("secret-name", "it is secret-name", "it is something") == "it is something"
    assert without_echo("secret-name", "it is secret-name") == UNUSABLE


def test_without_problems_nothing_is_said() -> None:
    assert Parsed(counts=(Count("l.txt", 3, 0),)).sentences() == []
