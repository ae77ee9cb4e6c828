"""``circumvent list``."""

from __future__ import annotations

from typing import Any

import pytest

from circumvent import catalog
from circumvent.cli.app import main


def listed(capsys: Any, *arguments: str) -> str:
    assert main(["list", *arguments]) == 0
    said: str = capsys.readouterr().out
    return said


def test_all_options_by_kind(capsys: Any) -> None:
    said = listed(capsys)
    assert all(f"{option.id}: " in said for option in catalog.options() if not option.baseline)
    assert not any(f"\n{option.id}: " in said for option in catalog.options() if option.baseline)


@pytest.mark.parametrize("word", ["doq", "voice", "ordinary"])
def test_some_of_them(capsys: Any, word: str) -> None:
    said = listed(capsys, "--only", word)
    for option in catalog.options():
        if not option.baseline:
            fits = word in {option.kind, option.traits.family, option.exposure.value}
            assert (f"\n{option.id}: " in said) is fits


def test_kinds_and_sources(capsys: Any) -> None:
    assert "doh: DNS over HTTPS" in listed(capsys, "--kinds")
    assert "2026-" in listed(capsys, "--sources")


def test_a_word_that_is_none(capsys: Any) -> None:
    assert main(["list", "--only", "pigeon"]) == 2
    assert '--only: "pigeon" is none of' in capsys.readouterr().err
