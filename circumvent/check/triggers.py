"""Phase 2: probes that are known to set filters off, and the sentinel that watches what they do to the line.

One at a time for each destination, the harmless first. After a trigger that failed, and every five seconds, one
known-good path is tried again; if it fails now, whatever followed its last success is poisoned and does not count.
Where no path works there is no sentinel, and what is seen then supports no finding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.check.runner import Task
from circumvent.model.words import Proof
from circumvent.transport import Triggering, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.check.runner import Runner
    from circumvent.check.schedule import Entry, Schedule
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.net.clock import Clock

#: Seconds between two looks of the sentinel.
SENTINEL_EVERY: Final = 5.0
WHY: Final = "second phase"


class Sentinel:
    """One known-good path, tried again while triggers run."""

    def __init__(self, option: Option | None, runner: Runner, clock: Clock) -> None:
        """Watch ``option``; ``None`` when nothing works here."""
        self.option = option
        self._runner = runner
        self._clock = clock
        self.last_success = clock.now()

    async def due(self, *, after_failure: bool) -> bool:
        """Look if it is time; return whether the path still works (``True`` if it was not looked at)."""
        if self.option is None or (
            not after_failure and self._clock.now() - self.last_success < SENTINEL_EVERY
        ):
            return True
        outcome = await self._runner.run(Task(option=self.option, number=2, goal=Proof.CARRIED))
        if outcome.attempt.carried:
            self.last_success = self._clock.now()
            return True
        return False


def known_good(schedule: Schedule) -> Option | None:
    """Return the path to watch: what carried in every try, the fastest."""
    good = [
        (min(one.latency_ms or 1e9 for one in entry.counted), entry.option)
        for entry in schedule.entries.values()
        if entry.counted and all(one.carried for one in entry.counted)
    ]
    return min(good, key=lambda one: (one[0], one[1].id))[1] if good else None


def with_triggers(schedule: Schedule) -> list[Entry]:
    """Return the options that have a second-phase probe, and carried in the first."""
    return [
        entry
        for entry in schedule.entries.values()
        if entry.carried and isinstance(load(entry.option.kind), Triggering)
    ]


async def run_triggers(
    schedule: Schedule, runner: Runner, clock: Clock, decided: Callable[[Option], None]
) -> None:
    """Run the second-phase probes; the attempts are recorded and do not count as tries of the option."""
    waiting = with_triggers(schedule)
    if not waiting:
        return
    sentinel = Sentinel(known_good(schedule), runner, clock)
    since: list[tuple[Entry, Attempt]] = []
    for entry in waiting:
        outcome = await runner.run(Task(option=entry.option, number=1, goal=Proof.CARRIED, trigger=True))
        if outcome.cannot is not None:
            continue
        attempt = msgspec.structs.replace(outcome.attempt, counted=False, why=WHY)
        entry.attempts.append(attempt)
        since.append((entry, attempt))
        if await sentinel.due(after_failure=attempt.failure is not None):
            since.clear()
        else:
            _poison(since)
            return
        decided(entry.option)


def _poison(since: list[tuple[Entry, Attempt]]) -> None:
    for entry, attempt in since:
        entry.attempts = [
            msgspec.structs.replace(one, poisoned=True) if one is attempt else one for one in entry.attempts
        ]
