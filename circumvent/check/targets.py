"""Targets: URLs that the user wants to reach. Directly first; if that fails, the least that suffices.

They come last (phase 2): a name that this network filters may set off a penalty. The ways are tried from the least to
the strongest: right addresses from an encrypted resolver, another protocol, a proxy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio
import msgspec

from circumvent.check.runner import Task
from circumvent.check.second import carriers
from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model import failure as failures
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.report import Target
from circumvent.model.words import Proof, Reason, Status

if TYPE_CHECKING:
    from circumvent.check.plan import Plan
    from circumvent.check.schedule import Schedule
    from circumvent.check.triggers import SecondPhase
    from circumvent.model.record import Attempt

#: Tries of a target that fails: one failure is no verdict.
TRIES: Final = 2
#: Statuses by which servers shut whole countries out.
SHUT_OUT: Final = frozenset({403, 451})
#: Proxies that are tried for a target.
MOST_CARRIERS: Final = 2


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to a target: the option that it needs (``None``: nothing), and what to try."""

    needs: str | None
    task: Task


async def try_targets(plan: Plan, schedule: Schedule, phase: SecondPhase, found: list[Target]) -> None:
    """Try every target, one after the other, and append what became of it to ``found``."""
    for number, url in enumerate(plan.targets, 1):
        option = _option(url, number)
        if phase.poisoned:
            found.append(not_tried(url, Reason.POISONED))
        else:
            found.append(await _Try(option, schedule, phase).run())


def not_tried(url: str, reason: Reason) -> Target:
    """Return a target that was not tried, and why."""
    return Target(name=_option(url, 0).endpoint.host, direct=Status.NOT_RUN, reason=reason)


class _Try:
    """The tries of one target."""

    def __init__(self, option: Option, schedule: Schedule, phase: SecondPhase) -> None:
        self._option = option
        self._schedule = schedule
        self._phase = phase
        self._attempts: list[Attempt] = []
        self._held: Reason | None = None

    async def run(self) -> Target:
        await self._directly()
        direct = decide(self._attempts, Circumstances(held_back=self._held))
        reached = direct.status is Status.WORKS or any(_answered(attempt) for attempt in self._attempts)
        least = [] if reached else await self._other_ways()
        return Target(
            name=self._option.endpoint.host,
            direct=Status.WORKS if reached else direct.status,
            reason=direct.reason,
            failure=None if reached else direct.failure,
            least_sufficient=tuple(least),
            attempts=tuple(self._attempts),
        )

    async def _directly(self) -> None:
        """Try without help; a failure may have set off a penalty, so a second try waits until that is over."""
        for number in range(1, TRIES + 1):
            task = Task(option=self._option, number=number, goal=Proof.CARRIED, as_an_app=True)
            outcome = await self._phase.runner.run(task)
            attempt = msgspec.structs.replace(outcome.attempt, phase=2)
            self._attempts.append(attempt)
            if outcome.cannot is not None:
                self._held = outcome.cannot.reason
                return
            if attempt.carried or _answered(attempt):
                return
            if not await self._phase.sound(attempt, self._option.endpoint.port):
                self._attempts[-1] = msgspec.structs.replace(
                    attempt, poisoned=True, counted=False, why="poisoned"
                )
                self._held = Reason.POISONED
                await self._phase.rest()
                return
            if not await self._rested(attempt.address):
                return

    async def _rested(self, address: str | None) -> bool:
        """Wait until the place may be contacted again; tell whether that fits into the deadline."""
        now = self._phase.clock.now()
        port = self._option.endpoint.port
        left = self._phase.quarantine.left([address] if address is not None else [], port, now)
        if now + left >= self._phase.ends:
            return False
        await anyio.sleep(left)
        return True

    async def _other_ways(self) -> list[str]:
        for way in _ways(self._option, self._schedule):
            outcome = await self._phase.runner.run(way.task)
            self._attempts.append(
                msgspec.structs.replace(outcome.attempt, phase=2, counted=False, why="another way")
            )
            if outcome.attempt.carried and way.needs is not None:
                return [way.needs]
        return []


def _answered(attempt: Attempt) -> bool:
    """Tell whether the verified server itself answered, if only that it has no such page (404 and its like).

    What it says to whole countries (403, 451) is no answer to the user.
    """
    step = attempt.step("carry")
    error = attempt.failure.error if attempt.failure is not None else None
    return (
        attempt.counted
        and attempt.proof.at_least(Proof.HANDSHAKEN)
        and error == failures.HTTP_UNEXPECTED_STATUS
        and step is not None
        and step.detail.get("status") not in SHUT_OUT
    )


def _ways(option: Option, schedule: Schedule) -> list[_Way]:
    """Return the ways to a target, the least first."""
    ways = []
    resolver = next(
        (
            entry.option
            for entry in schedule.entries.values()
            if entry.option.traits.family == "names" and entry.carried and not entry.option.baseline
        ),
        None,
    )
    if resolver is not None and not option.endpoint.literal:
        private = replace(option, origin=Origin(source="argument"))
        ways.append(_Way(resolver.id, Task(option=private, number=2, goal=Proof.CARRIED)))
    through = [one for one in carriers(schedule) if not one.baseline]
    ways.extend(
        _Way(one.id, Task(option=option, number=2, goal=Proof.CARRIED, via=one))
        for one in through[:MOST_CARRIERS]
    )
    return ways


def _option(url: str, number: int) -> Option:
    parts = urlsplit(url)
    return Option(
        id=f"target-{number}",
        kind="https",
        label=parts.hostname or url,
        endpoint=Endpoint(host=parts.hostname or "", port=parts.port or 443),
        origin=Origin(source="catalogue"),
        settings=WebSettings(url=url, method="GET"),
    )
