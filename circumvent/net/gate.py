"""The crypto gate: one expensive operation per turn of the event loop.

When a hundred handshakes become ready at once, the last one would wait for the arithmetic of all others and its
round trip would be measured that much too long. Behind the gate the loop looks at its sockets between any two
operations, so that arrivals are stamped when they happen.

Handshakes under way go before those that are yet to begin: on a slow machine the queue is then in front of the first
packet, where no peer waits and no clock runs. What an attempt waits here is our time and not the network's, and it is
told to its :class:`Account`.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, ParamSpec, Protocol, TypeVar

import anyio
from anyio.lowlevel import RunVar, cancel_shielded_checkpoint, checkpoint_if_cancelled

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

P = ParamSpec("P")
T = TypeVar("T")

_UNDER_WAY: Final = 0
_TO_BEGIN: Final = 1


class Account(Protocol):
    """Whoever keeps count of the time that we spend waiting for ourselves."""

    def waiting(self) -> AbstractContextManager[None]:
        """Mark time that is not the network's."""


async def crypto(account: Account, op: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``op`` when its turn has come and give the loop a turn after it.

    Cancellation is seen while waiting, never after ``op`` ran: its result or its exception always arrives.
    """
    return await _gate().run(_UNDER_WAY, account, lambda: op(*args, **kwargs))


async def begin_crypto(account: Account, op: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run an ``op`` that begins a handshake: after those of all handshakes that have begun."""
    return await _gate().run(_TO_BEGIN, account, lambda: op(*args, **kwargs))


@dataclass(slots=True, order=True)
class _Waiter:
    rank: int
    number: int
    turn: anyio.Event = field(compare=False, default_factory=anyio.Event)
    gone: bool = field(compare=False, default=False)


class _Gate:
    """One at a time, by rank and then in order of arrival."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[_Waiter] = []
        self._count = 0

    async def run(self, rank: int, account: Account, op: Callable[[], T]) -> T:
        await checkpoint_if_cancelled()
        mine = not self._taken
        self._taken = True
        try:
            if not mine:
                with account.waiting():
                    await self._wait(rank)
                    mine = True
            return op()
        finally:
            if mine:
                try:
                    await cancel_shielded_checkpoint()
                finally:
                    self._open()

    async def _wait(self, rank: int) -> None:
        self._count += 1
        waiter = _Waiter(rank, self._count)
        heapq.heappush(self._waiting, waiter)
        try:
            await waiter.turn.wait()
        except BaseException:
            waiter.gone = True
            if waiter.turn.is_set():
                self._open()
            raise

    def _open(self) -> None:
        """Give the turn to the next; it stays taken in between, so that nobody slips in."""
        while self._waiting:
            waiter = heapq.heappop(self._waiting)
            if not waiter.gone:
                waiter.turn.set()
                return
        self._taken = False


#: One gate for each run of an event loop; there is none at import time.
_GATE: Final[RunVar[_Gate]] = RunVar("circumvent_crypto_gate")


def _gate() -> _Gate:
    try:
        return _GATE.get()
    except LookupError:
        gate = _Gate()
        _GATE.set(gate)
        return gate
