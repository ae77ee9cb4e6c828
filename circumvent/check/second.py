"""The second look (evidence E3): does an endpoint that is silent here answer through something that works here?

It shows the endpoint's address to whoever runs the tunnel: done by itself for catalogue options, for the user's own
only with ``--cross-check``.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from circumvent.check.runner import Task
from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof, Status
from circumvent.transport import Carrier, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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
        and not entry.logged_in
        and entry.option.via is None
        and not _answered(schedule, entry)
        and (user_held or not entry.option.held_by_user)
    ][:MOST]


def _answered(schedule: Schedule, entry: Entry) -> bool:
    """Tell whether the endpoint answered another option of this run: then it may have shut us out itself."""
    places = {(attempt.address, entry.option.endpoint.port) for attempt in entry.counted}
    return any(
        (attempt.address, other.option.endpoint.port) in places and attempt.proof is not Proof.NONE
        for other in schedule.entries.values()
        if other.option.via is None and other.option.traits.datagram == entry.option.traits.datagram
        for attempt in other.attempts
    )


def fastest(entries: Iterable[Entry]) -> Entry | None:
    """Return the entry with the lowest latency; its id decides between equals."""
    return min(entries, key=lambda one: (_latency(one), one.option.id), default=None)


def _latency(entry: Entry) -> float:
    return min((one.latency_ms for one in entry.counted if one.latency_ms is not None), default=math.inf)


def carriers(schedule: Schedule) -> list[Option]:
    """Return the options that work here and can carry others, the fastest first."""
    able = [
        entry
        for entry in schedule.entries.values()
        if decide(entry.attempts, Circumstances()).status is Status.WORKS
        and isinstance(load(entry.option.kind), Carrier)
    ]
    return [entry.option for entry in sorted(able, key=lambda one: (_latency(one), one.option.id))]


def tried(entry: Entry) -> str | None:
    """Return an address that was tried directly: of a dual-stack endpoint that of IPv4, which every tunnel takes."""
    tried = [attempt.address for attempt in entry.attempts if attempt.address is not None]
    return next((one for one in tried if ":" not in one), tried[-1] if tried else None)


def takes(carrier: Option, address: str) -> bool:
    """Tell whether a carrier can be told to connect there; SOCKS 4a knows no IPv6 addresses."""
    return ":" not in address or carrier.kind != "socks4a"


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

    async def look(entry: Entry, address: str, through: Option) -> None:
        task = Task(option=at_address(entry.option, address), number=2, goal=Proof.CARRIED, via=through)
        outcome = await runner.run(task)
        if outcome.cannot is None:
            entry.attempts.append(
                msgspec.structs.replace(outcome.attempt, counted=False, why=WHY, via=through.id)
            )

    async with anyio.create_task_group() as group:
        for entry in silent_entries(schedule, user_held=user_held):
            mine, address = places.get(entry.option.id), tried(entry)
            fit = [one for one in able if address is not None and takes(one, address)]
            elsewhere = [one for one in fit if places.get(one.id) != mine]
            through = next(iter(elsewhere or fit), None)
            if through is not None and address is not None:
                group.start_soon(look, entry, address, through)
