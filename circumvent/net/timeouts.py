"""How long a step may take: from the network's own end-to-end round trip (``docs/verdicts.md``, *Timeouts*).

A limit is meant for the network, so time that this process lost on a busy machine is added to it: what the event loop
was late (:meth:`Timeouts.watch` measures that), and what an attempt waited for its turn at the crypto gate. A step
that still had less than its share is not :meth:`fair <Timeouts.fair>`, and what it timed out for is nobody's fault
but ours.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.net.families import Families
from circumvent.net.lag import Lag

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: A handshake step gets FACTOR round trips, within these bounds in seconds: two lost SYNs still fit.
FACTOR: Final = 6.0
SHORTEST: Final = 3.5
LONGEST: Final = 10.0
#: The largest of this many first round trips decides.
ROUND_TRIPS: Final = 3
#: Seconds between two looks at the loop's own delay.
PULSE: Final = 0.05
#: A loop that is late by less, in seconds, is on time: timers and schedulers are no better.
ON_TIME: Final = 0.01
#: The part of its limit that a step must have had with a loop that turned.
FAIR: Final = 0.8


def handshake_limit(round_trips: list[float]) -> float:
    """Return the time limit of a handshake step, in seconds.

    ``round_trips`` are end-to-end ones in the order seen (TLS ServerHello, QUIC Initial, DNS answer), never
    TCP connects: satellites, mobile cores and transparent proxies answer a SYN themselves.
    """
    if not round_trips:
        return SHORTEST
    return min(max(FACTOR * max(round_trips[:ROUND_TRIPS]), SHORTEST), LONGEST)


@dataclass(slots=True)
class _Running:
    """A step under way: since when, its own limit if it has one, what the loop had lost before, what it waited."""

    started: float
    fixed: float | None
    lost_before: float
    waited: float = 0.0
    waiting: int = 0


class Timeouts:
    """The step limit of a check, raised (never lowered) as round trips become known, also for running steps.

    ``families`` is what else a check learns of its network on the way: which address family gets through; ``lag`` what
    it learns of its own loop.
    """

    def __init__(self) -> None:
        self.families = Families()
        self.lag = Lag()
        self._round_trips: list[float] = []
        self._open: dict[anyio.CancelScope, _Running] = {}
        self._lost = 0.0
        self._due: float | None = None

    @property
    def limit(self) -> float:
        """Return the limit of a handshake step in seconds, as known now."""
        return handshake_limit(self._round_trips)

    @property
    def round_trip(self) -> float | None:
        """Return the largest of the first round trips in seconds, ``None`` until one is known."""
        return max(self._round_trips, default=None)

    @property
    def lost(self) -> float:
        """Return the seconds that the loop has been late so far, its present delay included."""
        late = 0.0 if self._due is None else anyio.current_time() - self._due
        return self._lost + (late if late > ON_TIME else 0.0)

    async def watch(self) -> None:
        """Measure how late the loop is, until cancelled, and give running steps that much more time."""
        try:
            while True:
                self._due = anyio.current_time() + PULSE
                await anyio.sleep_until(self._due)
                late = max(anyio.current_time() - self._due, 0.0)
                self.lag.note(late)
                if late > ON_TIME:
                    self._lost += late
                    for scope in self._open:
                        self._extend(scope)
        finally:
            self._due = None

    def observe(self, round_trip: float) -> None:
        """Take note of an end-to-end round trip in seconds."""
        if len(self._round_trips) >= ROUND_TRIPS:
            return
        before = self.limit
        self._round_trips.append(round_trip)
        if self.limit > before:
            for scope in self._open:
                self._extend(scope)

    def open(self, limit: float | None = None) -> anyio.CancelScope:
        """Return a cancel scope for a step that begins now; a given ``limit`` (seconds) does not adapt."""
        now = anyio.current_time()
        scope = anyio.CancelScope(deadline=now + (self.limit if limit is None else limit))
        self._open[scope] = _Running(now, limit, self.lost)
        return scope

    def grant(self, scope: anyio.CancelScope, limit: float) -> None:
        """Raise the own limit of a running step to ``limit`` seconds from its begin; it is never lowered."""
        running = self._open[scope]
        if running.fixed is not None and limit > running.fixed:
            running.fixed = limit
            self._extend(scope)

    @contextmanager
    def waiting(self, scopes: Sequence[anyio.CancelScope]) -> Iterator[None]:
        """Stop the clocks of these steps while they wait for ourselves."""
        began, lost = anyio.current_time(), self.lost
        for scope in scopes:
            self._open[scope].waiting += 1
            self._extend(scope)
        try:
            yield
        finally:
            # What the loop was late meanwhile is given to all steps anyway.
            waited = max(anyio.current_time() - began - (self.lost - lost), 0.0)
            for scope in scopes:
                running = self._open.get(scope)
                if running is None:  # another task of the attempt ended that step meanwhile
                    continue
                running.waiting -= 1
                running.waited += waited
                self._extend(scope)

    def fair(self, scope: anyio.CancelScope, *, timed_out: bool) -> bool:
        """Tell whether a step that ran out of time had enough of it.

        ``timed_out``: the scope itself ended the step; else a shorter limit inside it did, which nothing extends.
        """
        running = self._open[scope]
        took = anyio.current_time() - running.started
        fair = FAIR * (self._limit(running) if timed_out else took)
        return took - self._lost_in(running) >= fair

    def close(self, scope: anyio.CancelScope) -> None:
        """Forget a scope whose step ended."""
        self._open.pop(scope, None)

    def _limit(self, running: _Running) -> float:
        return self.limit if running.fixed is None else running.fixed

    def _lost_in(self, running: _Running) -> float:
        return self.lost - running.lost_before + running.waited

    def _extend(self, scope: anyio.CancelScope) -> None:
        """Set the deadline to what is right now: for what was lost, and while it waits, LONGEST more at most."""
        running = self._open[scope]
        extra = LONGEST if running.waiting else min(self._lost_in(running), LONGEST)
        scope.deadline = running.started + self._limit(running) + extra
