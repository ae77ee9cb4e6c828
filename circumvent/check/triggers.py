"""Phase 2: probes that are known to set filters off, and the sentinel that watches what they do to the line.

One at a time, the harmless first. After a trigger that failed, and every five seconds, one known-good path is tried
again; if it fails now, whatever followed its last success is poisoned: it does not count, and is done again once the line
has rested, if that fits into the deadline. Where no path works there is no sentinel, and nothing is triggered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from circumvent.check.quarantine import REST, Quarantine
from circumvent.check.runner import Task
from circumvent.check.second import fastest
from circumvent.model.words import Exposure, Proof
from circumvent.names.plan import CLEAR_KINDS
from circumvent.transport import Triggering, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.check.runner import Runner
    from circumvent.check.schedule import Entry, Schedule
    from circumvent.check.settings import CheckSettings
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.net.clock import Clock

#: Seconds between two looks of the sentinel.
SENTINEL_EVERY: Final = 5.0
#: Listed names in clear mark the user: so many resolvers that nobody named are asked for them.
MOST_MARKING: Final = 3
WHY: Final = "second phase"
WATCH: Final = "sentinel"


@dataclass(slots=True)
class Sentinel:
    """One known-good path, tried again while triggers run; ``entry`` is ``None`` when nothing works here."""

    entry: Entry | None
    runner: Runner
    clock: Clock
    last_success: float = field(init=False)

    def __post_init__(self) -> None:
        self.last_success = self.clock.now()

    async def sound(self, *, after_failure: bool) -> bool:
        """Look if it is time; tell whether the path still works (``True`` if it was not looked at)."""
        entry = self.entry
        fresh = self.clock.now() - self.last_success < SENTINEL_EVERY
        if entry is None or (fresh and not after_failure):
            return True
        outcome = await self.runner.run(Task(option=entry.option, number=2, goal=Proof.CARRIED))
        if outcome.cannot is not None:
            return True
        attempt = msgspec.structs.replace(outcome.attempt, counted=False, why=WATCH, phase=2)
        entry.attempts.append(attempt)
        if attempt.carried:
            self.last_success = self.clock.now()
        return attempt.carried


class SecondPhase:
    """What triggers and targets share: the sentinel, the places that rest, and what may be poisoned."""

    def __init__(
        self, schedule: Schedule, runner: Runner, clock: Clock, *, ends: float, rest: float = REST
    ) -> None:
        """Begin phase 2; ``ends`` is the deadline in seconds from the start, ``rest`` how long a place rests (s)."""
        self.quarantine = Quarantine(rest)
        self.runner = runner
        self.clock = clock
        self.ends = ends
        self.poisoned = False
        self._sentinel = Sentinel(known_good(schedule), runner, clock)

    @property
    def watched(self) -> bool:
        """Tell whether there is a path to watch."""
        return self._sentinel.entry is not None

    @property
    def last_success(self) -> float:
        """Return when the line was last seen as it was before, in seconds from the start."""
        return self._sentinel.last_success

    async def sound(self, attempt: Attempt, port: int) -> bool:
        """Take note of a probe; tell whether the line is as it was before."""
        failed = attempt.failure is not None
        if failed and attempt.address is not None:
            self.quarantine.begin(attempt.address, port, self.clock.now())
        return await self._sentinel.sound(after_failure=failed)

    async def rest(self) -> bool:
        """Let the line rest after it was poisoned, if that fits into the deadline; tell whether it is sound again."""
        if self.clock.now() + self.quarantine.rest < self.ends:
            await anyio.sleep(self.quarantine.rest)
            if await self._sentinel.sound(after_failure=True):
                return True
        self.poisoned = True
        return False


def known_good(schedule: Schedule) -> Entry | None:
    """Return the path to watch: what carried in every try, the fastest.

    A resolver in clear is itself what triggers are tried on; it is watched only where nothing else works. A profile is
    not logged in to again for it.
    """
    good = [
        one
        for one in schedule.entries.values()
        if one.counted and all(a.carried for a in one.counted) and not one.option.traits.account
    ]
    quiet = [one for one in good if one.option.kind not in CLEAR_KINDS]
    return fastest(quiet or good)


def with_triggers(schedule: Schedule, settings: CheckSettings) -> list[Entry]:
    """Return the options that have a second-phase probe, and carried in the first.

    What the probe asks for is marking: ``--careful`` leaves it out, and unless the user named the resolver, few
    are asked, and only where the catalogue is tried. Names given by hand (``--dns-control``) mark nobody.
    """
    able = [
        entry
        for entry in schedule.entries.values()
        if entry.carried and isinstance(load(entry.option.kind), Triggering)
    ]
    if settings.dns_control:
        return able
    if settings.careful:
        return []
    named = [entry for entry in able if entry.option.held_by_user]
    others = [entry for entry in able if not entry.option.held_by_user and _wanted(settings)]
    return [*named, *others[:MOST_MARKING]]


def _wanted(settings: CheckSettings) -> bool:
    return settings.wants_builtin or Exposure.MARKING.value in settings.include


async def run_triggers(
    schedule: Schedule, phase: SecondPhase, settings: CheckSettings, decided: Callable[[Option], None]
) -> None:
    """Run the second-phase probes; the attempts are recorded and do not count as tries of the option."""
    waiting = with_triggers(schedule, settings)
    done: list[tuple[Entry, Attempt]] = []
    while waiting and phase.watched:
        entry = waiting.pop(0)
        outcome = await phase.runner.run(
            Task(option=entry.option, number=1, goal=Proof.CARRIED, trigger=True)
        )
        if outcome.cannot is not None:
            continue
        attempt = msgspec.structs.replace(outcome.attempt, counted=False, why=WHY)
        entry.attempts.append(attempt)
        done.append((entry, attempt))
        if not await phase.sound(attempt, entry.option.endpoint.port):
            spoiled = [one for one in done if one[1].t >= phase.last_success]
            for other, wrong in spoiled:
                poison(other, wrong)
            if not await phase.rest():
                return
            waiting = [other for other, _ in spoiled] + waiting
        decided(entry.option)


def poison(entry: Entry, attempt: Attempt) -> None:
    """Mark an attempt as spoiled by a penalty that our own probing set off."""
    entry.attempts = [
        msgspec.structs.replace(one, poisoned=True) if one is attempt else one for one in entry.attempts
    ]
