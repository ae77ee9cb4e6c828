"""How long a step may take: from the network's own end-to-end round trip (``docs/verdicts.md``, *Timeouts*)."""

from __future__ import annotations

from typing import Final

import anyio

#: A handshake step gets FACTOR round trips, within these bounds in seconds: two lost SYNs still fit.
FACTOR: Final = 6.0
SHORTEST: Final = 3.5
LONGEST: Final = 10.0
#: The largest of this many first round trips decides.
ROUND_TRIPS: Final = 3


def handshake_limit(round_trips: list[float]) -> float:
    """Return the time limit of a handshake step, in seconds.

    ``round_trips`` are end-to-end ones in the order seen (TLS ServerHello, QUIC Initial, DNS answer), never
    TCP connects: satellites, mobile cores and transparent proxies answer a SYN themselves.
    """
    if not round_trips:
        return SHORTEST
    return min(max(FACTOR * max(round_trips[:ROUND_TRIPS]), SHORTEST), LONGEST)


class Timeouts:
    """The step limit of a check, raised (never lowered) as round trips become known, also for running steps."""

    def __init__(self) -> None:
        self._round_trips: list[float] = []
        self._open: dict[anyio.CancelScope, float] = {}

    @property
    def limit(self) -> float:
        """Return the limit of a handshake step in seconds, as known now."""
        return handshake_limit(self._round_trips)

    @property
    def round_trip(self) -> float | None:
        """Return the largest of the first round trips in seconds, ``None`` until one is known."""
        return max(self._round_trips, default=None)

    def observe(self, round_trip: float) -> None:
        """Take note of an end-to-end round trip in seconds."""
        if len(self._round_trips) >= ROUND_TRIPS:
            return
        before = self.limit
        self._round_trips.append(round_trip)
        if self.limit > before:
            for scope, started in self._open.items():
                scope.deadline = max(scope.deadline, started + self.limit)

    def open(self, limit: float | None = None) -> anyio.CancelScope:
        """Return a cancel scope for a step that begins now; a given ``limit`` (seconds) is fixed."""
        now = anyio.current_time()
        scope = anyio.CancelScope(deadline=now + (self.limit if limit is None else limit))
        if limit is None:
            self._open[scope] = now
        return scope

    def close(self, scope: anyio.CancelScope) -> None:
        """Forget a scope whose step ended."""
        self._open.pop(scope, None)
