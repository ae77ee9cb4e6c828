"""Rows: what every one must have, and the values made of them."""

from __future__ import annotations

import msgspec
import pytest

from circumvent.catalog import rows
from circumvent.catalog.rows import Anchor


@pytest.mark.parametrize("missing", ["source", "date", "country", "names"])
def test_a_row_without_a_part_is_refused(missing: str) -> None:
    row = {"source": "recalled", "date": "2026-11-22", "country": "IR", "names": ["x.com"]}
    assert msgspec.convert(row, rows.CanaryRow).verified
    del row[missing]
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(row, rows.CanaryRow)


def test_an_unknown_field_is_refused() -> None:
    row = {"source": "x", "date": "2026-11-22", "country": "IR", "names": [], "nmaes": []}
    with pytest.raises(msgspec.ValidationError, match="nmaes"):
        msgspec.convert(row, rows.CanaryRow)


def test_an_anchor_tells_its_first_address() -> None:
    assert (
        Anchor(host="a.example", cls="cdn", network="n", addresses=("192.0.2.1", "192.0.2.2")).address
        == "192.0.2.1"
    )
    assert Anchor(host="a.example", cls="cdn", network="n").address is None
