"""Connections without a tunnel: names to addresses, a race between address families, a connect.

The race is that of RFC 8305 (happy eyeballs): families in turn with IPv6 first, the next address 250 ms after
the one before or at once when that fails, at most two at a time, and the first connection wins. Losers are closed
and recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Reason
from circumvent.net.address import RACERS, family_of, interleave, is_public
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.failure import translate
from circumvent.net.sock import ROUTE_PROBES, Source, connect_tcp, connect_udp, route_error
from circumvent.net.trace import Loser

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.option import Endpoint
    from circumvent.model.record import Json
    from circumvent.net.sock import SocketStream, UdpSocket
    from circumvent.net.trace import OpenStep, Trace

#: Seconds before the next address is tried beside the one before (RFC 8305, section 8).
ATTEMPT_DELAY: Final = 0.25
#: More addresses than this are not tried: a name with a hundred addresses is no licence for a scan.
MOST_ADDRESSES: Final = 4


class NameService(Protocol):
    """Turns a host name into addresses by whatever ways are permitted for it."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:
        """Return at least one IP address of ``host``.

        ``private`` names come from the user: only a resolver proven over an encrypted channel may see them.

        :raises CannotTry: with ``name_private`` when no permitted way is left.
        :raises PeerError: with a ``dns_*`` failure string.
        :raises OSError: as the system raises it.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a dialer may do for one option.

    ``allow_private``: addresses outside the public internet; ``private_names``: its names come from the user.
    """

    allow_private: bool = False
    private_names: bool = True


class DirectDialer:
    """Opens connections from this machine: the :class:`~circumvent.net.stream.Dialer` without a tunnel."""

    def __init__(
        self, resolver: NameService, source: Source | None = None, policy: Policy | None = None
    ) -> None:
        """Use ``resolver`` for names that have no known address, and leave through ``source``."""
        self._resolver = resolver
        self._source = source
        self._policy = Policy() if policy is None else policy

    @property
    def source(self) -> Source | None:
        """Return where packets leave from."""
        return self._source

    async def stream(self, endpoint: Endpoint, trace: Trace) -> SocketStream:
        """Open a TCP connection, with ``resolve`` (if needed) and ``connect`` steps in ``trace``.

        :raises StepFailed: when a step failed.
        :raises CannotTry: when nothing may be sent or there is no route.
        """
        addresses = await self.locate(endpoint, trace)
        async with trace.step("connect") as step:
            return await _Race(addresses, endpoint.port, trace, self._source).run(step)
        raise AssertionError  # pragma: no cover - a step that fails raises

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> UdpSocket:
        """Open a UDP socket to the first address with a route, of a family that gets through; errors as for :meth:`stream`."""
        address = await trace.timeouts.families.choose(await self.locate(endpoint, trace))
        async with trace.step("connect") as step:
            trace.address, trace.family = address, family_of(address)
            return await connect_udp(
                address, endpoint.port, trace=trace, source=self._source, note=step.detail
            )
        raise AssertionError  # pragma: no cover - a step that fails raises

    async def locate(self, endpoint: Endpoint, trace: Trace) -> list[str]:
        """Return addresses that may be contacted and have a route, in the order to try them.

        What :meth:`stream` and :meth:`datagram` do first; who wants to know the addresses before (to lease sockets)
        may call it and dial the same endpoint with these addresses.

        :raises StepFailed: when the ``resolve`` step failed.
        :raises CannotTry: when nothing may be sent or there is no route.
        """
        known = list(endpoint.known_addresses)
        if known:
            permitted = [address for address in known if self.permits(address)]
            if not permitted:
                raise CannotTry(Reason.UNSAFE, "the address is private; --allow-private permits it")
        else:
            permitted = await self._resolve(endpoint.host, trace)
        return with_route(interleave(list(dict.fromkeys(permitted))), self._source)[:MOST_ADDRESSES]

    async def _resolve(self, host: str, trace: Trace) -> list[str]:
        async with trace.step("resolve") as step:
            found = await self._resolver.resolve(host, trace, private=self._policy.private_names)
            families = [family_of(address) for address in found]
            step.detail.update({family: families.count(family) for family in sorted(set(families))})
            permitted = [address for address in found if self.permits(address)]
            if found and not permitted:
                self._refuse_private()
            if not permitted:
                raise PeerError(failures.DNS_NO_ANSWER)
        return permitted

    def permits(self, address: str) -> bool:
        """Tell whether an IP address may be contacted for this option."""
        return self._policy.allow_private or is_public(address)

    def _refuse_private(self) -> None:
        """A stranger's name that points into this network is unsafe; a catalogue name that does is a forgery."""
        if self._policy.private_names:
            raise CannotTry(Reason.UNSAFE, "the name leads to a private address; --allow-private permits it")
        raise PeerError(failures.DNS_BOGON, "the name leads to an address that is not on the internet")


def with_route(addresses: list[str], source: Source | None) -> list[str]:
    """Return those addresses that the kernel has a route to (nothing is sent).

    Where the family as such has a route, or a route exists and forbids (``prohibit``), the address passes: the
    connect then says in its own words what is wrong.

    :raises CannotTry: with ``no_family`` if only another family has a route, with ``offline`` if none has.
    """
    there = {family for family, probe in ROUTE_PROBES.items() if route_error(probe, source) is None}
    usable = [
        address for address in addresses if family_of(address) in there or not _lacks_route(address, source)
    ]
    if usable:
        return usable
    if there:
        families = " or ".join(sorted({family_of(address).replace("ipv", "IPv") for address in addresses}))
        raise CannotTry(Reason.NO_FAMILY, f"this network has no {families}")
    raise CannotTry(Reason.OFFLINE, "this machine has no route to the internet")


def _lacks_route(address: str, source: Source | None) -> bool:
    error = route_error(address, source)
    return error is not None and translate(error, "connect").error in _NO_ROUTE


_NO_ROUTE: Final = frozenset(
    {failures.NETWORK_UNREACHABLE, failures.NETWORK_DOWN, failures.ADDRESS_NOT_AVAILABLE}
)


@dataclass(slots=True)
class _Entrant:
    """One address in the race."""

    address: str
    started: float
    note: dict[str, Json] = field(default_factory=dict)
    finished: float | None = None
    error: OSError | None = None
    stream: SocketStream | None = None
    failed: anyio.Event = field(default_factory=anyio.Event)


class _Race:
    """Connects to several addresses of one host and keeps the first connection."""

    def __init__(self, addresses: list[str], port: int, trace: Trace, source: Source | None) -> None:
        self._addresses = addresses
        self._port = port
        self._trace = trace
        self._source = source
        self._entrants: list[_Entrant] = []
        self._winner: _Entrant | None = None
        self._running = 0
        self._freed = anyio.Event()

    async def run(self, step: OpenStep) -> SocketStream:
        """Return the first connection, or raise the error that tells most."""
        families = self._trace.timeouts.families
        both = len({family_of(address) for address in self._addresses}) > 1
        if both:
            families.race_begins()
        try:
            async with anyio.create_task_group() as group:
                for address in self._addresses:
                    while self._running >= RACERS:
                        await self._freed.wait()
                    entrant = _Entrant(address, self._trace.clock.now())
                    self._entrants.append(entrant)
                    self._running += 1
                    group.start_soon(self._enter, entrant, group.cancel_scope)
                    with anyio.move_on_after(ATTEMPT_DELAY):
                        await entrant.failed.wait()
            return self._result()
        except BaseException:
            if self._winner is not None and self._winner.stream is not None:
                self._winner.stream.close()
            raise
        finally:
            self._record(step)
            if both:
                beaten = [one.address for one in self._entrants if one is not self._winner]
                families.race_ends(None if self._winner is None else self._winner.address, beaten)

    async def _enter(self, entrant: _Entrant, scope: anyio.CancelScope) -> None:
        try:
            stream = await connect_tcp(
                entrant.address, self._port, trace=self._trace, source=self._source, note=entrant.note
            )
        except OSError as exc:
            entrant.error = exc
            entrant.failed.set()
        else:
            if self._winner is None:
                self._winner = entrant
                entrant.stream = stream
                scope.cancel()
            else:  # both answered in one turn of the loop
                stream.close()
        finally:
            entrant.finished = self._trace.clock.now()
            self._running -= 1
            self._freed.set()
            self._freed = anyio.Event()

    def _result(self) -> SocketStream:
        if self._winner is not None and self._winner.stream is not None:
            return self._winner.stream
        told = self._teller()
        if told.error is None:  # pragma: no cover - a race ends by a winner, by errors or by cancellation
            raise TimeoutError
        raise told.error

    def _teller(self) -> _Entrant:
        """Return the entrant whose fate stands for all: the winner, else the one that got furthest."""
        if self._winner is not None:
            return self._winner
        return max(self._entrants, key=lambda entrant: (_weight(entrant.error), -entrant.started))

    def _record(self, step: OpenStep) -> None:
        told = self._teller()
        self._trace.address, self._trace.family = told.address, family_of(told.address)
        step.detail.update(told.note)
        round_trip = told.note.get("kernel_rtt_ms")
        if told is self._winner and isinstance(round_trip, int | float):
            # The loop may have been busy when the SYN-ACK came; the kernel was not.
            step.ended = told.started + float(round_trip) / 1000
        now = self._trace.clock.now()
        for entrant in self._entrants:
            if entrant is not told:
                failure = None if entrant.error is None else translate(entrant.error, "connect")
                self._trace.losers.append(
                    Loser(
                        address=entrant.address,
                        family=family_of(entrant.address),
                        t0=entrant.started,
                        t=now if entrant.finished is None else entrant.finished,
                        failure=failure,
                    )
                )


def _weight(error: OSError | None) -> int:
    """Rank by what ends a lost race: who was still silent, else an answer of a host, else trouble on this side."""
    if error is None:
        return 2
    return 1 if isinstance(error, ConnectionError) else 0
