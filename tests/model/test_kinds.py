"""The table of kinds: every row can be loaded, and says what it is."""

from __future__ import annotations

import pytest

from circumvent.model.kinds import KINDS
from circumvent.model.words import Exposure, Scope
from circumvent.transport import load


@pytest.mark.parametrize("name", sorted(KINDS))
def test_a_kind_has_a_transport_and_its_facts_fit(name: str) -> None:
    kind = KINDS[name]
    assert kind.name == name
    assert callable(load(name).attempt)
    assert 1 <= kind.port <= 65535
    assert kind.connections >= 1
    assert kind.datagram or not kind.quic
    assert isinstance(kind.scope, Scope)
    assert isinstance(kind.exposure, Exposure)


def test_titles_are_unique() -> None:
    assert len({kind.title for kind in KINDS.values()}) == len(KINDS)


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        KINDS["doh"] = KINDS["dot"]  # type: ignore[index]  # that it can't be is what is tested
