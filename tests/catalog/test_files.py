"""Reading the catalogue's files: each once, and a damaged one says what is wrong."""

from __future__ import annotations

import pytest

from circumvent.catalog import CatalogError, files, rows


def test_rows_are_typed_and_frozen() -> None:
    first = files.rows("voice", "stun", rows.StunRow)[0]
    assert isinstance(first, rows.StunRow)
    with pytest.raises(AttributeError):
        first.port = 1  # type: ignore[misc] # that it can't be set is what is tried


def test_a_table_that_is_not_there_is_empty() -> None:
    assert files.rows("voice", "nothing", rows.StunRow) == ()


def test_a_damaged_file_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_document", lambda _: {"stun": [{"slug": "x", "hots": 1}]})
    with pytest.raises(CatalogError, match=r"voice\.toml: .*stun|voice\.toml: Object"):
        files.rows("voice", "stun", rows.StunRow)
