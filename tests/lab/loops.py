"""On which event loops a test runs: on both, unless it waits long for what is the same on both."""

from __future__ import annotations

from typing import Final

import pytest

#: For slow lines and slow servers: what they do to a try does not depend on the loop, and its other tests run on both.
ON_ONE_LOOP: Final = pytest.mark.parametrize("anyio_backend", ["asyncio"])
