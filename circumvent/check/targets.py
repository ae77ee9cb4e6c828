"""Targets: URLs that the user wants to reach. Directly first; if that fails, the least that suffices.

They come last (phase 2): a name that this network filters may set off a penalty. The ways are tried from the least to
the strongest: right addresses from an encrypted resolver, another protocol, a proxy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from circumvent.check.runner import Task
from circumvent.check.second import carriers
from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.report import Target
from circumvent.model.words import Proof, Status

if TYPE_CHECKING:
    from circumvent.check.plan import Plan
    from circumvent.check.runner import Runner
    from circumvent.check.schedule import Schedule
    from circumvent.model.record import Attempt

#: Tries of a target that fails: one failure is no verdict.
TRIES: Final = 2
#: Proxies that are tried for a target.
MOST_CARRIERS: Final = 2


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to a target: the option that it needs (``None``: nothing), and what to try."""

    needs: str | None
    task: Task


async def try_targets(plan: Plan, schedule: Schedule, runner: Runner, found: list[Target]) -> None:
    """Try every target, one after the other, and append what became of it to ``found``."""
    for number, url in enumerate(plan.targets, 1):
        found.append(await _try_target(_option(url, number), schedule, runner))


async def _try_target(option: Option, schedule: Schedule, runner: Runner) -> Target:
    attempts: list[Attempt] = []
    for number in range(1, TRIES + 1):
        outcome = await runner.run(Task(option=option, number=number, goal=Proof.CARRIED, as_an_app=True))
        attempts.append(msgspec.structs.replace(outcome.attempt, phase=2))
        if outcome.cannot is not None or outcome.attempt.carried:
            break
    direct = decide(attempts, Circumstances())
    least: list[str] = []
    if direct.status is not Status.WORKS:
        for way in _ways(option, schedule):
            outcome = await runner.run(way.task)
            attempts.append(
                msgspec.structs.replace(outcome.attempt, phase=2, counted=False, why="another way")
            )
            if outcome.attempt.carried and way.needs is not None:
                least.append(way.needs)
                break
    return Target(
        name=option.endpoint.host,
        direct=direct.status,
        failure=direct.failure,
        least_sufficient=tuple(least),
        attempts=tuple(attempts),
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
