"""Quarantine: after a probe that may have set off a filter, that address and port rest.

Residual blocking lasts 60 to 180 s for each (client, server, port) in China; what is tried there meanwhile fails for our
own probe's sake. What does not fit into the deadline is not tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Seconds of rest where no censor's own time is documented.
REST: Final = 180.0


class Quarantine:
    """Which places rest, and until when. Pure: the time is an argument (seconds from the start)."""

    def __init__(self, rest: float = REST) -> None:
        """Let places rest for ``rest`` seconds."""
        self.rest = rest
        self._until: dict[tuple[str, int], float] = {}

    def begin(self, address: str, port: int, now: float) -> None:
        """Let a place rest from ``now`` on."""
        self._until[address, port] = max(now + self.rest, self._until.get((address, port), 0.0))

    def left(self, addresses: Iterable[str], port: int, now: float) -> float:
        """Return the seconds until all of these may be contacted again; 0 if they may now."""
        until = [self._until.get((address, port), 0.0) for address in addresses]
        return max((one - now for one in until if one > now), default=0.0)
