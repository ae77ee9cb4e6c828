"""How late our own event loop was: what every time in a report may be late by."""

from __future__ import annotations

from collections import deque
from typing import Final

#: How many measurements are kept, the latest.
KEPT: Final = 16_384
#: The percentiles that are told.
TOLD: Final = {"p50": 0.5, "p95": 0.95, "max": 1.0}


class Lag:
    """Collects how late the loop was at each look (:meth:`circumvent.net.timeouts.Timeouts.watch` looks)."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=KEPT)

    def note(self, seconds: float) -> None:
        """Take note that the loop was ``seconds`` late."""
        self._late.append(seconds)

    def milliseconds(self) -> dict[str, float]:
        """Return the percentiles in milliseconds; empty if nothing was measured."""
        late = sorted(self._late)
        return {
            name: round(late[min(int(part * len(late)), len(late) - 1)] * 1000, 1)
            for name, part in TOLD.items()
            if late
        }
