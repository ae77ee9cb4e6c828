"""How many sockets may be open at once: in all, to one address, to one network, to one CDN; and how fast new ones.

A truth matter before it is a courtesy: a healthy resolver that allows ten connections refuses the eleventh, and
Russian filters freeze networks after a dozen at once. :class:`Ledger` is the accounting, pure, with the time as
an argument; :class:`Slots` waits on it, in order of arrival wherever two want the same.
"""

from __future__ import annotations

import math
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio
from anyio import lowlevel

from circumvent.net.address import RACERS, is_public, network_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

#: Sockets in all, to one address, and to one network (/24, /48) or CDN; see ``docs/contract.rst``, *Defaults*.
IN_ALL: Final = 64
#: Sockets in all where the pace is lifted: whoever is silent holds one for four seconds.
IN_ALL_FAST: Final = 128
TO_ADDRESS: Final = 4
TO_NETWORK: Final = 8
#: New connections to one network or CDN in a second.
NEW_PER_SECOND: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """The limits of one check.

    ``fast`` lifts the pace and the cap on networks; ``allow_private`` does so for addresses outside the public
    internet. Nothing lifts the cap on one address.
    """

    in_all: int = IN_ALL
    to_address: int = TO_ADDRESS
    to_network: int = TO_NETWORK
    new_per_second: int = NEW_PER_SECOND
    fast: bool = False
    allow_private: bool = False

    def paced(self, address: str) -> bool:
        """Tell whether pace and network cap hold for ``address``."""
        return not self.fast and not (self.allow_private and not is_public(address))


@dataclass(slots=True, eq=False)
class Lease:
    """Leave to open ``connections`` sockets to some addresses, until it is given back.

    ``sockets`` is how many may be open for a moment: while two addresses race, one more.
    ``shared`` tells whether anybody else had connections to one of these addresses open meanwhile: a failure
    seen then has to be seen again alone before it counts.
    """

    addresses: frozenset[str]
    groups: frozenset[str]
    connections: int
    sockets: int
    exclusive: bool = False
    shared: bool = False


@dataclass(slots=True)
class _Group:
    """A network or a CDN: what is open there and when the last ones were begun."""

    open: int = 0
    begun: deque[float] = field(default_factory=deque)


class Ledger:
    """Who has what. Pure: no clock, no waiting.

    A lease is counted in full at every address that it names, because happy eyeballs may use any of them.
    """

    def __init__(self, caps: Caps) -> None:
        self.caps = caps
        self.open = 0
        self._addresses: dict[str, list[Lease]] = {}
        self._groups: dict[str, _Group] = {}

    def lease(
        self,
        addresses: Iterable[str],
        *,
        connections: int = 1,
        group: str | None = None,
        exclusive: bool = False,
    ) -> Lease:
        """Describe a lease; ``group`` is a CDN's name. More connections than any cap allows are cut to it."""
        places = frozenset(addresses)
        paced = [address for address in places if self.caps.paced(address)]
        groups = {network_of(address) for address in paced}
        if group is not None and (paced or not places) and not self.caps.fast:
            groups.add(f"cdn:{group}")
        caps = self.caps
        most = min(
            caps.in_all,
            caps.to_address if places else caps.in_all,
            caps.to_network if groups else caps.in_all,
        )
        connections = max(1, min(connections, most))
        return Lease(
            addresses=places,
            groups=frozenset(groups),
            connections=connections,
            sockets=min(connections + max(min(len(places), RACERS) - 1, 0), caps.in_all),
            exclusive=exclusive,
        )

    def fits(self, lease: Lease) -> bool:
        """Tell whether enough sockets are left in all."""
        return self.open + lease.sockets <= self.caps.in_all

    def wait(self, lease: Lease, now: float) -> float:
        """Return seconds until ``lease`` may begin: 0 now, infinity when first another must be given back."""
        if not self.fits(lease):
            return math.inf
        for address in lease.addresses:
            here = self._addresses.get(address, ())
            if any(other.exclusive for other in here) or (lease.exclusive and here):
                return math.inf
            if sum(other.connections for other in here) + lease.connections > self.caps.to_address:
                return math.inf
        groups = [self._groups[name] for name in lease.groups if name in self._groups]
        if any(group.open + lease.connections > self.caps.to_network for group in groups):
            return math.inf
        return max((self._pace(group, lease.connections, now) for group in groups), default=0.0)

    def begin(self, lease: Lease, now: float) -> None:
        """Count ``lease``; :meth:`wait` said 0."""
        self.open += lease.sockets
        for address in lease.addresses:
            here = self._addresses.setdefault(address, [])
            for other in here:
                other.shared = lease.shared = True
            here.append(lease)
        for name in lease.groups:
            group = self._groups.setdefault(name, _Group())
            group.open += lease.connections
            # More than a second's worth counts against the seconds that follow.
            group.begun.extend(now + place // self.caps.new_per_second for place in range(lease.connections))

    def end(self, lease: Lease, now: float) -> None:
        """Give ``lease`` back."""
        self.open -= lease.sockets
        for address in lease.addresses:
            here = self._addresses[address]
            here.remove(lease)
            if not here:
                del self._addresses[address]
        for name in lease.groups:
            group = self._groups[name]
            group.open -= lease.connections
            self._forget(group, now)
            if not group.open and not group.begun:
                del self._groups[name]

    def open_to(self, address: str) -> int:
        """Return how many connections are leased to ``address``."""
        return sum(lease.connections for lease in self._addresses.get(address, ()))

    def open_in(self, group: str) -> int:
        """Return how many connections are leased in a network, or in ``cdn:NAME``."""
        found = self._groups.get(group)
        return 0 if found is None else found.open

    def _pace(self, group: _Group, connections: int, now: float) -> float:
        """Return seconds until the last second holds few enough new connections.

        A lease of more than a second's worth waits until nobody else was new for a second.
        """
        self._forget(group, now)
        excess = len(group.begun) + connections - self.caps.new_per_second
        if excess <= 0 or not group.begun:
            return 0.0
        return max(group.begun[min(excess, len(group.begun)) - 1] + 1.0 - now, 0.0)

    @staticmethod
    def _forget(group: _Group, now: float) -> None:
        while group.begun and group.begun[0] + 1.0 <= now:
            group.begun.popleft()


@dataclass(slots=True, eq=False)
class _Waiter:
    """Somebody in the queue. ``due`` is when the pace lets the lease begin, as far as is known."""

    lease: Lease
    granted: bool = False
    due: float = math.inf
    nudge: anyio.Event = field(default_factory=anyio.Event)


class Slots:
    """Hands out leases in order of arrival: nobody overtakes a waiter who wants one of the same places.

    Who wants other places may overtake, except when all sockets are out: then everybody queues behind the first
    who lacks only those, so that a large lease is not starved by small ones.
    """

    def __init__(self, caps: Caps | None = None, now: Callable[[], float] = anyio.current_time) -> None:
        self.ledger = Ledger(Caps() if caps is None else caps)
        self._now = now
        self._queue: list[_Waiter] = []

    @asynccontextmanager
    async def lease(
        self,
        addresses: Iterable[str] | str,
        *,
        connections: int = 1,
        group: str | None = None,
        exclusive: bool = False,
    ) -> AsyncIterator[Lease]:
        """Wait for leave to open ``connections`` sockets to ``addresses`` and hold it.

        ``exclusive`` leases wait until nobody has a connection to those addresses, and keep others out.
        """
        places = [addresses] if isinstance(addresses, str) else addresses
        lease = self.ledger.lease(places, connections=connections, group=group, exclusive=exclusive)
        await self._acquire(lease)
        try:
            yield lease
        finally:
            self.ledger.end(lease, self._now())
            self._serve()

    @property
    def waiting(self) -> int:
        """Return how many wait for a lease."""
        return len(self._queue)

    async def _acquire(self, lease: Lease) -> None:
        waiter = _Waiter(lease)
        self._queue.append(waiter)
        try:
            self._serve()
            await lowlevel.checkpoint()
            while not waiter.granted:
                waiter.nudge = anyio.Event()
                with anyio.move_on_after(waiter.due - self._now()):
                    await waiter.nudge.wait()
                if waiter.due <= self._now():
                    waiter.due = math.inf
                self._serve()
        except BaseException:
            if waiter.granted:
                self.ledger.end(lease, self._now())
            else:
                self._queue.remove(waiter)
            self._serve()
            raise

    def _serve(self) -> None:
        """Grant whatever may begin now, and tell those whom the pace holds back when to look again."""
        now = self._now()
        addresses: set[str] = set()
        groups: set[str] = set()
        for waiter in list(self._queue):
            lease = waiter.lease
            if addresses.isdisjoint(lease.addresses) and groups.isdisjoint(lease.groups):
                wait = self.ledger.wait(lease, now)
                if wait <= 0:
                    self._queue.remove(waiter)
                    self.ledger.begin(lease, now)
                    waiter.granted = True
                    waiter.nudge.set()
                    continue
                if now + wait < waiter.due:
                    waiter.due = now + wait
                    waiter.nudge.set()
                if not self.ledger.fits(lease):
                    break
            addresses |= lease.addresses
            groups |= lease.groups
