"""Which address family gets through here, learned from the races over TCP of one check.

A datagram socket goes to one address, and silence there is not told apart from a lost packet. So where a host has
addresses of both families, UDP waits for the first race over TCP to be decided, and then takes the family that wins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.net.address import family_of

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds that a datagram waits for a race that is under way.
PATIENCE: Final = 1.0


class Families:
    """What the races of one check have shown."""

    def __init__(self) -> None:
        """Know nothing."""
        self._won: set[str] = set()
        self._beaten: set[str] = set()
        self._racing = 0
        self._changed = anyio.Event()

    def race_begins(self) -> None:
        """Take note that a race between both families is under way."""
        self._racing += 1

    def race_ends(self, winner: str | None, beaten: Sequence[str]) -> None:
        """Take note of the addresses that won (``None``: none did) and that were tried in vain."""
        self._racing -= 1
        if winner is not None:
            self._won.add(family_of(winner))
            self._beaten.update(family_of(address) for address in beaten)
        self._changed.set()
        self._changed = anyio.Event()

    async def choose(self, addresses: Sequence[str]) -> str:
        """Return the address that a datagram socket should go to; the first, unless its family always loses."""
        by_family: dict[str, str] = {}
        for address in addresses:
            by_family.setdefault(family_of(address), address)
        if len(by_family) > 1:
            with anyio.move_on_after(PATIENCE):
                while self._racing and not self._won:
                    await self._changed.wait()
            for family, address in by_family.items():
                if not self._loses(family):
                    return address
        return addresses[0]

    def _loses(self, family: str) -> bool:
        """Tell whether a family was tried, has never won, and another one has."""
        return family in self._beaten and family not in self._won
