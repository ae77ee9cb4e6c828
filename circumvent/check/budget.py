"""The budget of bytes: an attempt begins only if the most that it may use is left."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class ByteBudget:
    """Promises bytes to attempts before they begin, so that many at once can't pass the budget together."""

    def __init__(self, most: int, used: Callable[[], int]) -> None:
        """Promise ``most`` bytes at most; ``used`` returns what went and came so far, in all attempts."""
        self._most = most
        self._used = used
        self._promised = 0
        self._freed = anyio.Event()

    @asynccontextmanager
    async def promise(self, cost: int) -> AsyncIterator[bool]:
        """Hold ``cost`` bytes for an attempt; gives ``False`` if they will never be there.

        An attempt under way counts with its promise and with what it used: rather too much than too little. What
        it did not use is there again for who waits.
        """
        while self._used() + self._promised + cost > self._most:
            if not self._promised:
                yield False
                return
            await self._freed.wait()
        self._promised += cost
        try:
            yield True
        finally:
            self._promised -= cost
            self._freed.set()
            self._freed = anyio.Event()
