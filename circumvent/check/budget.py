"""The budget of bytes: what an attempt may use at most, and that it begins only if so much is left."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.words import Proof

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

    from circumvent.model.option import Option

#: What an attempt may use at most in bytes, by what it has to prove; one that would pass the budget is not begun.
COST: Final = {Proof.SUSTAINED: 120_000, Proof.CARRIED: 20_000}
#: The same for families that take more: Tor's cells in the padding of obfs4 (measured: 200,000 and 36,000); and packets inside
#: a tunnel, where what goes up is as long as what comes down (measured: 181,000). What is promised keeps others waiting.
DEARER: Final = {
    "satellite": {Proof.SUSTAINED: 240_000, Proof.CARRIED: 40_000},
    "tor": {Proof.SUSTAINED: 240_000, Proof.CARRIED: 40_000},
    "vpn": {Proof.SUSTAINED: 200_000, Proof.CARRIED: 40_000},
}


def cost(option: Option, goal: Proof) -> int:
    """Return the bytes that an attempt of ``option`` up to ``goal`` may use at most."""
    return DEARER.get(option.traits.family, COST)[goal]


def needs(options: Iterable[Option]) -> int:
    """Return the bytes that it may take to try each of ``options`` in full once."""
    return sum(cost(option, Proof.SUSTAINED) for option in options)


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
