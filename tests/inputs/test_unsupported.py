"""What is recognised and left for later versions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.unsupported import KINDS_TO_COME, SCHEMES, web_page, whole_file
from circumvent.model.kinds import KINDS


def test_nothing_is_both_built_and_to_come() -> None:
    assert not KINDS_TO_COME & set(KINDS)


def test_every_sentence_ends() -> None:
    assert all(sentence.endswith(".") for sentence in SCHEMES.values())


@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    for look in (web_page, whole_file):
        look(text)
