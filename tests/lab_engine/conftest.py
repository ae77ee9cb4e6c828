"""Every rule is tried over both address families; wires for real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab_engine.wires import labs_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab_engine.wires import Lab


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request: pytest.FixtureRequest) -> int:
    """4 or 6."""
    return int(request.param)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Open labs with rules; they are closed after the test."""
    yield from labs_below(tmp_path)
