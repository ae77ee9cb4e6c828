"""Every rule is tried over both address families."""

from __future__ import annotations

import pytest


@pytest.fixture(params=[4, 6], ids=["ipv4", "ipv6"])
def family(request: pytest.FixtureRequest) -> int:
    """4 or 6."""
    return int(request.param)
