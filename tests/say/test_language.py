"""The hook for translations: every sentence of a table passes it when it is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.record import Failure
from circumvent.say import reasons
from circumvent.say.language import _, later

if TYPE_CHECKING:
    import pytest


def test_english_is_what_stands_in_the_source() -> None:
    assert _("works") == later("works") == "works"


def test_sentences_of_tables_are_translated_when_they_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reasons, "_", str.upper)
    assert reasons.failure_clause(Failure(step="connect", error="connection_refused")).isupper()
