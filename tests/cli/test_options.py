"""From the options of ``check`` to its settings."""

from __future__ import annotations

from typing import Any

import pytest

from circumvent.check.settings import CheckSettings, SettingsError
from circumvent.cli.options import OF_THE_SCREEN, settings_of
from circumvent.cli.values import ValueProblem

NOTHING: dict[str, Any] = {"all_": False, **dict.fromkeys(OF_THE_SCREEN)}


def test_nothing_given_is_the_default() -> None:
    assert settings_of(NOTHING) == CheckSettings()


def test_what_is_given_arrives() -> None:
    given = {
        **NOTHING, "named": ["a.txt"], "only": ["doh,dot", "doq"], "deadline": "12.5", "trials": "5", "max_bytes": "500kB",
        "all_": True, "control": ["https://a/", "https://b/"], "builtin": False, "country": "ir",
    }  # fmt: skip
    settings = settings_of(given)
    assert settings.named == ("a.txt",)
    assert settings.only == ("doh", "dot", "doq")
    assert (settings.deadline, settings.trials, settings.max_bytes) == (12.5, 5, 500_000)
    assert settings.all
    assert settings.builtin is False
    assert settings.control == ("https://a/", "https://b/")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("deadline", "soon", ValueProblem),
        ("trials", "many", ValueProblem),
        ("max_bytes", "all", ValueProblem),
        ("deadline", "0", SettingsError),
        ("trials", "0", SettingsError),
        ("max_bytes", "10", SettingsError),
        ("country", "Iran", SettingsError),
        ("need", "speed", SettingsError),
    ],
)
def test_mistakes(name: str, value: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"--{name.replace('_', '-')}"):
        settings_of({**NOTHING, name: value})
