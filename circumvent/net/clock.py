"""Time: one monotonic clock a check, and the corrected wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Clock:
    """Seconds since the start of a check, and the time of day as far as it is known.

    ``skew`` is local minus true time in seconds once two authenticated sources agreed; until then ``None``.
    """

    started_monotonic: float = field(default_factory=time.monotonic)
    started_wall: float = field(default_factory=time.time)
    skew: float | None = None

    def now(self) -> float:
        """Return seconds since the start."""
        return time.monotonic() - self.started_monotonic

    def wall(self) -> float:
        """Return the corrected time of day (seconds since 1970, UTC)."""
        return self.started_wall + self.now() - (self.skew or 0.0)

    def local(self, at: float) -> float:
        """Return what this device's own clock showed at clock second ``at`` (seconds since 1970, uncorrected)."""
        return self.started_wall + at

    def at(self, monotonic: float) -> float:
        """Translate a ``time.monotonic`` stamp into seconds since the start."""
        return monotonic - self.started_monotonic
