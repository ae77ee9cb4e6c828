"""Pages that need no internet, as blocks."""

from __future__ import annotations

import pytest

from circumvent.say.blocks import Sentence
from circumvent.say.guide import PAGES, contents, page


@pytest.mark.parametrize("name", PAGES)
def test_the_answer_comes_first(name: str) -> None:
    first = page(name)[0]
    assert isinstance(first, Sentence)
    assert first.strong


def test_there_are_no_others() -> None:
    with pytest.raises(KeyError):
        page("nothing")
    assert contents()
