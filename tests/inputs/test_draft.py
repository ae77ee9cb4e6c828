"""Options without id."""

from __future__ import annotations

import pytest

from circumvent.inputs.draft import LONGEST_LABEL, NO_ID, clean_label, draft
from circumvent.inputs.problem import LineError


def test_without_a_label_it_is_called_by_its_host() -> None:
    option = draft("dot", host="a.example", port=853, addresses=["192.0.2.1", "192.0.2.1"])
    assert (option.id, option.label, option.endpoint.addresses) == (NO_ID, "a.example", ("192.0.2.1",))


def test_a_contradiction_is_a_sentence() -> None:
    with pytest.raises(LineError, match="contradicts itself"):
        draft("dot", host="a.example", port=0)


def test_labels_are_short_and_harmless() -> None:
    assert clean_label("  two words ") == "two words"
    assert len(clean_label("x" * 999)) <= LONGEST_LABEL
    assert "\x1b" not in clean_label("\x1b]0;title\x07")
