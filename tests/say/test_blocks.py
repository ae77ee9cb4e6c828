"""Blocks are values: they compare, and nothing can change them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from circumvent.say.blocks import Point, Points, Sentence


def test_blocks_are_frozen_values() -> None:
    assert Points((Point("a", "b"),)) == Points((Point("a", "b"),))
    with pytest.raises(FrozenInstanceError):
        Sentence("a").text = "b"  # type: ignore[misc]  # that is what is tried
