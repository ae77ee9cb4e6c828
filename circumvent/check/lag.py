"""How busy our own event loop was: what every time in the report may be late by."""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio

#: Seconds between two looks, and how many looks are kept.
EVERY: Final = 0.02
KEPT: Final = 16_384
#: The percentiles that are told.
TOLD: Final = {"p50": 0.5, "p95": 0.95, "max": 1.0}


class LoopLag:
    """Sleeps again and again and sees how late it is woken."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=KEPT)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began = anyio.current_time()
            await anyio.sleep(EVERY)
            self._late.append(max(anyio.current_time() - began - EVERY, 0.0))

    def milliseconds(self) -> dict[str, float]:
        """Return the percentiles in milliseconds; empty if the check was over before the first look."""
        late = sorted(self._late)
        return {
            name: round(late[min(int(part * len(late)), len(late) - 1)] * 1000, 1)
            for name, part in TOLD.items()
            if late
        }
