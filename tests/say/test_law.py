"""Facts of law as sentences."""

from __future__ import annotations

import datetime as dt

from circumvent import catalog
from circumvent.catalog import Law
from circumvent.say.law import law_sentence
from tests.say.hostile import HOSTILE, raw_in


def test_every_law_of_the_catalogue_is_told_with_source_and_date() -> None:
    for country in ("IR", "MM"):
        for law in catalog.laws(country):
            said = law_sentence(law)
            assert said.startswith(law.text)
            assert f"{law.date:%Y-%m-%d}; not legal advice)" in said


def test_nothing_raw() -> None:
    law = Law(country="XX", text=HOSTILE, applies_to=(), source=HOSTILE, date=dt.date(2026, 1, 1))
    assert raw_in(law_sentence(law)) == set()
