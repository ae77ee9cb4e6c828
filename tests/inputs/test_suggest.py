"""Did you mean: near words and files are offered, far ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.suggest import suggest, suggest_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("word", "meant"),
    [("obsf4", "obfs4"), ("SOCKS5", "socks5"), ("snowflak", "snowflake"), ("x", None), ("", None)],
)
def test_near_words(word: str, meant: str | None) -> None:
    assert suggest(word, ["obfs4", "socks5", "snowflake"]) == meant


def test_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "bridges.txt").touch()
    assert suggest_file(str(tmp_path / "brigdes.txt")) == str(tmp_path / "bridges.txt")
    assert suggest_file(str(tmp_path / "none" / "x")) is None


@given(st.text(), st.lists(st.text(max_size=9), max_size=5))
def test_what_is_offered_is_a_choice(word: str, choices: list[str]) -> None:
    assert suggest(word, choices) in [*choices, None]
