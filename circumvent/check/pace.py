"""The pace of what marks the user: few new destinations a minute, few at once.

Contacting many Tor relays or listed bridges in a minute is a signature of its own. Options that the user named are
exempt (who holds three bridges wants them tried), and ``--fast`` lifts it.
"""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from circumvent.model.option import Option

#: New destinations of exposure ``marking`` in a minute, and attempts to such at once.
NEW_PER_MINUTE: Final = 20
AT_ONCE: Final = 4
_MINUTE: Final = 60.0


def is_bridge(option: Option) -> bool:
    """Tell whether an option is a Tor bridge or relay: every try shows a censor who watches where one is."""
    return option.traits.family == "tor"


class MarkingPace:
    """Lets attempts at marking destinations begin one by one."""

    def __init__(self, *, fast: bool = False) -> None:
        """Keep the pace, or none if ``fast``."""
        self._fast = fast
        self._seen: set[str] = set()
        self._begun: deque[float] = deque()
        self._room = anyio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def turn(self, option: Option) -> AsyncIterator[None]:
        """Wait until ``option`` may be tried, and hold a place while it is."""
        if self._fast or option.held_by_user or option.exposure is not Exposure.MARKING:
            yield
            return
        async with self._room:
            await self._wait(str(option.endpoint))
            yield

    async def _wait(self, destination: str) -> None:
        while destination not in self._seen:
            now = anyio.current_time()
            while self._begun and self._begun[0] + _MINUTE <= now:
                self._begun.popleft()
            if len(self._begun) < NEW_PER_MINUTE:
                self._begun.append(now)
                self._seen.add(destination)
                return
            await anyio.sleep(self._begun[0] + _MINUTE - now)
