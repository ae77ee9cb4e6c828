"""The catalogue for people."""

from __future__ import annotations

import pytest

from circumvent import catalog
from circumvent.cli.draw import Style, draw
from circumvent.model.kinds import KINDS
from circumvent.say.catalogue import built_in, in_full, kinds


def said(page: object) -> str:
    return "\n".join(draw(page, Style(width=None, plain=True)))  # type: ignore[arg-type]  # pages


def test_every_kind_is_listed_with_family_and_exposure() -> None:
    text = said(kinds(KINDS.values()))
    for kind in KINDS.values():
        assert f"{kind.name}: {kind.title}; family {kind.family}, {kind.exposure}, port {kind.port}" in text


def test_every_built_in_option_is_listed_once_and_its_source_on_demand() -> None:
    options = catalog.options()
    for facts in (None, catalog.facts()):
        rows = said(built_in(options, facts)).splitlines()
        assert sum(row.split(":")[0] in {one.id for one in options} for row in rows) == len(options)
    assert "2026-" in rows[5]


@pytest.mark.parametrize("option", catalog.options(), ids=lambda one: one.id)
def test_every_built_in_option_can_be_shown_in_full(option: object) -> None:
    text = said(in_full(option, catalog.facts()[option.id]))  # type: ignore[attr-defined,arg-type]  # options
    assert "exposure: " in text
    assert "source: " in text
    assert "date: 20" in text
