"""A world comes up, says so, and is gone when it is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

pytestmark = pytest.mark.daemons


def test_a_world_serves(world: WorldProcess) -> None:
    assert world.process.poll() is None
