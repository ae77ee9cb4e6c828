"""A report as one page: the answer first, then what helpers read, then every try."""

from __future__ import annotations

import pytest

from circumvent.say.blocks import Heading
from circumvent.say.end import end_screen
from circumvent.say.pages import report_page
from tests.say.reports import FORMS, filtered


@pytest.mark.parametrize("name", FORMS)
def test_it_begins_with_what_people_read(name: str) -> None:
    make, _ = FORMS[name]
    found = make()
    title, blocks = report_page(found, "r.json")
    first = end_screen(found)
    assert title == f"Network check: {found.network.state.value.replace('_', ' ')}"
    assert blocks[: len(first)] == first


def test_the_rest_is_for_who_helps() -> None:
    _, blocks = report_page(filtered(), "r.json")
    headings = [one.text for one in blocks if isinstance(one, Heading)]
    order = [
        headings.index(name) for name in ("For who helps", "Tell them", "Every try, in the order of time")
    ]
    assert order == sorted(order)
