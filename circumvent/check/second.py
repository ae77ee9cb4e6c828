"""The second look (evidence E3): does an endpoint that is silent here answer through something that works here?

It shows the endpoint's address to whoever runs the tunnel: done by itself for catalogue options, for the user's own
only with ``--cross-check``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.check.runner import Task
from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof, Status
from circumvent.transport import Carrier, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.check.runner import Runner
    from circumvent.check.schedule import Entry, Schedule
    from circumvent.model.option import Option

WHY: Final = "second vantage"
#: Endpoints looked at a second time, at most.
MOST: Final = 12


def silent_entries(schedule: Schedule, *, user_held: bool) -> list[Entry]:
    """Return the options worth a second look: failed twice, without one byte from the endpoint."""
    return [
        entry
        for entry in schedule.entries.values()
        if len(entry.counted) >= 2
        and all(attempt.proof is Proof.NONE and attempt.address for attempt in entry.counted)
        and not entry.option.traits.datagram
        and not entry.option.baseline
        and entry.option.via is None
        and (user_held or not entry.option.held_by_user)
    ][:MOST]


def carriers(schedule: Schedule) -> list[Option]:
    """Return the options that work here and can carry others, the fastest first."""
    able = []
    for entry in schedule.entries.values():
        if decide(entry.attempts, Circumstances()).status is not Status.WORKS:
            continue
        if isinstance(load(entry.option.kind), Carrier):
            able.append((min(one.latency_ms or 1e9 for one in entry.counted), entry.option))
    return [option for _, option in sorted(able, key=lambda one: (one[0], one[1].id))]


def at_address(option: Option, address: str) -> Option:
    """Return the option with the very address that was tried, and the names that its TLS needs."""
    host = option.endpoint.host
    if option.endpoint.literal:
        return replace(option, endpoint=Endpoint(host=address, port=option.endpoint.port))
    return replace(
        option,
        endpoint=Endpoint(host=address, port=option.endpoint.port),
        sni=host if option.sni is None else option.sni,
        verify_name=option.verify_name or host,
    )


async def second_looks(
    schedule: Schedule, runner: Runner, places: Mapping[str, str], *, user_held: bool
) -> None:
    """Look at every silent endpoint through the best carrier, in another place if there is one.

    The attempts do not count.
    """
    able = carriers(schedule)
    for entry in silent_entries(schedule, user_held=user_held):
        mine = places.get(entry.option.id)
        elsewhere = [one for one in able if places.get(one.id) != mine]
        through = next(iter(elsewhere or able), None)
        if through is None:
            continue
        address = entry.counted[-1].address
        if address is None:  # pragma: no cover - chosen above
            continue
        task = Task(option=at_address(entry.option, address), number=2, goal=Proof.CARRIED, via=through)
        outcome = await runner.run(task)
        if outcome.cannot is None:
            entry.attempts.append(
                msgspec.structs.replace(outcome.attempt, counted=False, why=WHY, via=through.id)
            )
