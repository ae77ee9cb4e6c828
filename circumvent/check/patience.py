"""What ``--patient`` adds to the first phase: an idle minute on an open connection, and one more request.

Translators and filters forget what is idle, and some paths die of it. So the option that leads each scope is left alone
for a minute on one more connection, which counts for nothing: a server may close what is idle, and that is no fault of the
path. What came of it stands in the step ``idle`` and in the option's ``detail.idle``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from circumvent.check.runner import Task
from circumvent.model.words import Proof, Scope
from circumvent.rank.order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.check.runner import Runner
    from circumvent.check.schedule import Entry, Schedule
    from circumvent.rank.order import Candidate

#: Seconds of rest. Address translators keep idle TCP for longer; what is cut within a minute is cut on purpose.
IDLE: Final = 60.0
#: Seconds that must be left beside it: for the connection before, and the request after.
BESIDE: Final = 20.0
#: Why such an attempt does not count.
WHY: Final = "idle minute"
#: The scopes whose transports know how to wait and ask again.
SCOPES: Final = frozenset({Scope.PROXY, Scope.NAMES})


def leaders(schedule: Schedule, candidates: Iterable[Candidate]) -> list[Entry]:
    """Return the first of each scope that goes over a stream; there is no connection to wait on otherwise."""
    first: dict[Scope, Entry] = {}
    for candidate in in_order(candidates):
        entry = schedule.entries[candidate.id]
        if candidate.scope in SCOPES and not entry.option.traits.datagram:
            first.setdefault(candidate.scope, entry)
    return list(first.values())


async def idle_minutes(entries: Sequence[Entry], runner: Runner, *, left: float, idle: float = IDLE) -> None:
    """Let these options rest on an open connection, all at once, for ``idle`` seconds, and ask once more.

    Nothing is begun that does not fit into ``left`` seconds. The attempts do not count.
    """
    if left < idle + BESIDE:
        return

    async def rest(entry: Entry) -> None:
        task = Task(option=entry.option, number=entry.tries + 1, goal=Proof.CARRIED, idle=idle)
        outcome = await runner.run(task)
        if outcome.cannot is None:
            entry.attempts.append(msgspec.structs.replace(outcome.attempt, counted=False, why=WHY))

    async with anyio.create_task_group() as group:
        for entry in entries:
            group.start_soon(rest, entry)
