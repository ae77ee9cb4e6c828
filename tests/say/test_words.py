"""Words: each verdict has mark and word, short enough for its column, and none is another's."""

from __future__ import annotations

import pytest

from circumvent.model.words import Evidence, NetworkState, Proof, Reason, Scope, Status
from circumvent.say import words
from circumvent.say.words import (
    confidence_word,
    kilobytes,
    mark,
    milliseconds,
    proof_sentence,
    rate,
    reason_sentence,
    scope_heading,
    state_sentence,
    status_word,
    tries,
    word,
)
from tests.say.reports import good, option

#: Width of the column of verdicts, in cells.
BUDGET = 19


@pytest.mark.parametrize(
    ("status", "fields", "sign", "said"),
    [
        (Status.WORKS, {"proof": Proof.SUSTAINED}, "+", "works"),
        (Status.WORKS, {"proof": Proof.CARRIED}, "+", "works (short)"),
        (Status.UNSTABLE, {}, "~", "works sometimes"),
        (Status.DEGRADED, {"detail": {"limit": "slow"}}, "~", "works slowly"),
        (Status.DEGRADED, {"detail": {"limit": "partly"}}, "~", "works partly"),
        (Status.DEGRADED, {"detail": {"limit": "cut", "cut_bytes": 16384}}, "~", "cut after 16 kB"),
        (Status.DEGRADED, {"detail": {"limit": "wrong_answer"}}, "x", "gives false answers"),
        (Status.BLOCKED, {"evidence": Evidence.FORGED}, "x", "blocked"),
        (Status.BLOCKED, {"evidence": Evidence.CLASS}, "x", "likely blocked"),
        (Status.UNREACHABLE, {}, "?", "no answer"),
        (Status.REFUSED, {}, "!", "refused"),
        (Status.NOT_RUN, {}, "-", "not tried"),
    ],
)
def test_mark_and_word(status: Status, fields: dict[str, object], sign: str, said: str) -> None:
    found = option("a", "doh", status, **fields)
    assert (mark(found), word(found)) == (sign, said)
    assert len(word(found)) <= BUDGET


@pytest.mark.parametrize(
    ("say", "values"),
    [
        (status_word, Status),
        (state_sentence, NetworkState),
        (proof_sentence, Proof),
        (scope_heading, Scope),
        (reason_sentence, Reason),
    ],
)
def test_every_value_has_words_of_its_own(say: object, values: type) -> None:
    said = [say(value) for value in values]  # type: ignore[operator,attr-defined]  # functions over one enumeration each
    assert all(said)
    assert len(set(said)) == len(said)


def test_a_finding_below_possible_is_not_shown() -> None:
    assert [confidence_word(one) for one in (0.95, 0.8, 0.6, 0.4)] == ["clear", "likely", "possible", None]


def test_numbers() -> None:
    assert tries(good("a", "doh", 9.0, tries=3, ok=2)) == "2 of 3"
    assert [milliseconds(one) for one in (0.44, 9.96, 71.2)] == ["0.4 ms", "10.0 ms", "71 ms"]
    assert [kilobytes(one) for one in (0, 90, 16384, 1_100_000)] == ["0 kB", "1 kB", "16 kB", "1.1 MB"]
    assert [rate(one) for one in (48, 8120, 41_000)] == ["48 kbit/s", "8.1 Mbit/s", "41 Mbit/s"]
    assert {words.TRYING, words.WAITING} == {"o", "."}
