"""Settings: unusable ones are sentences, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from circumvent.check.settings import DEADLINE, PATIENT_DEADLINE, CheckSettings, SettingsError


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"trials": 0}, "--trials"),
        ({"trials": 101}, "--trials"),
        ({"deadline": 0.0}, "--deadline"),
        ({"deadline": float("nan")}, "--deadline"),
        ({"max_bytes": 10}, "--max-bytes"),
        ({"need": "everything"}, "--need"),
        ({"country": "Iran"}, "--country"),
        ({"country": "1R"}, "--country"),
    ],
)
def test_an_unusable_value_names_its_option(setting: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        CheckSettings(**setting)


def test_the_deadline_is_thirty_seconds_or_five_minutes_or_what_was_given() -> None:
    assert CheckSettings().seconds == DEADLINE == 30
    assert CheckSettings(patient=True).seconds == PATIENT_DEADLINE == 300
    assert CheckSettings(patient=True, deadline=7.5).seconds == 7.5


def test_the_catalogue_is_tried_when_nothing_was_named() -> None:
    assert CheckSettings().wants_builtin
    assert not CheckSettings(named=("x",)).wants_builtin
    assert CheckSettings(named=("x",), builtin=True).wants_builtin
    assert not CheckSettings(builtin=False).wants_builtin


def test_keywords_are_taken_as_people_write_them() -> None:
    made = CheckSettings.from_keywords({"named": "one.txt", "control": ["a", "b"], "trials": 2})
    assert (made.named, made.control, made.trials) == (("one.txt",), ("a", "b"), 2)
    with pytest.raises(TypeError, match="colour"):
        CheckSettings.from_keywords({"colour": "red"})
