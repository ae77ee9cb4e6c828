"""The crypto gate: one expensive operation per turn of the event loop.

When a hundred handshakes become ready at once, the last one would wait for the arithmetic of all others and its
round trip would be measured that much too long. Behind the gate the loop looks at its sockets between any two
operations, so that arrivals are stamped when they happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import anyio
from anyio.lowlevel import RunVar, cancel_shielded_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

#: One lock for each run of an event loop; there is none at import time.
_LOCK: Final[RunVar[anyio.Lock]] = RunVar("circumvent_crypto_gate")


async def crypto(op: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run ``op`` when its turn has come and give the loop a turn after it.

    Cancellation is seen while waiting, never after ``op`` ran: its result or its exception always arrives.
    """
    async with _lock():
        try:
            return op(*args, **kwargs)
        finally:
            await cancel_shielded_checkpoint()


def _lock() -> anyio.Lock:
    try:
        return _LOCK.get()
    except LookupError:
        lock = anyio.Lock(fast_acquire=True)
        _LOCK.set(lock)
        return lock
