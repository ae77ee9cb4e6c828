"""Finding a dish without being told: the default gateways and the one fixed address, on networks of this device, and no more.

An address in 100.64.0.0/10 (RFC 6598) on an interface is a hint, never a range to try. VPNs are left out: behind them is somebody
else's network.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import anyio

from circumvent.model.option import Endpoint
from circumvent.model.words import Reason
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, NetError
from circumvent.net.interface_addresses import interface_addresses
from circumvent.net.interfaces import read_default_routes, read_tunnel
from circumvent.net.sock import Source
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.satellite.ask import GRPC_PORT, DishLink
from circumvent.satellite.recognise import documented

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from circumvent.net.interfaces import Route
    from circumvent.satellite.dish import DishHistory, DishStatus

#: Where a dish answers, on its own link and behind its router.
FIXED: Final = "192.168.100.1"
#: Seconds for each step of asking: a dish is a few milliseconds away. Both ports in turn take twice that.
STEP: Final = 0.8
#: Seconds after which nobody is waited for.
LONGEST: Final = 1.8
#: More places than this are not asked.
MOST: Final = 8
_OWN_LINK: Final = ipaddress.IPv4Network("192.168.100.0/24")
_CARRIER: Final = ipaddress.IPv4Network("100.64.0.0/10")
_PRIVATE: Final = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a dish's, and the interface to ask by (``None``: whichever the kernel takes)."""

    address: str
    interface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A dish that answered: where, by which interface, how fast, and what it said."""

    address: str
    interface: str | None
    milliseconds: float
    status: DishStatus
    history: DishHistory | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where to look on this device: ``networks`` are names of interfaces; ``carrier``: one has an address of RFC 6598.

    ``candidates`` may be dishes; ``others`` may be other terminals.
    """

    candidates: tuple[Candidate, ...]
    networks: tuple[str, ...]
    carrier: bool
    others: tuple[Candidate, ...] = ()


def read_surroundings() -> Surroundings:
    """Look at this device's interfaces and routes; nothing is sent."""
    everybody = interface_addresses()
    return surroundings(read_default_routes(), everybody, {name for name in everybody if read_tunnel(name)})


def surroundings(
    routes: Sequence[Route], everybody: Mapping[str, Sequence[str]], tunnels: Collection[str]
) -> Surroundings:
    """Return where a dish may be: private gateways, and the fixed address on its own link or behind a gateway."""
    found: dict[Candidate, None] = {}
    others: dict[Candidate, None] = {}
    networks, carrier = [], False
    for name, addresses in everybody.items():
        own = [address for one in addresses if (address := _ipv4(one)) is not None and _is_used(address)]
        if not own or name in tunnels:
            continue
        networks.append(name)
        carrier = carrier or any(address in _CARRIER for address in own)
        gateways = [_ipv4(route.gateway) for route in routes if route.interface == name and route.gateway]
        for gateway in gateways:
            if gateway is not None and any(gateway in network for network in _PRIVATE):
                found[Candidate(str(gateway), name)] = others[Candidate(str(gateway), name)] = None
        for place in documented([str(one) for one in own]):
            others[Candidate(place, name)] = None
        if any(gateways) or any(address in _OWN_LINK for address in own):
            found[Candidate(FIXED, name)] = None
        for address in own:
            found.pop(Candidate(str(address), name), None)
            others.pop(Candidate(str(address), name), None)
    return Surroundings(
        candidates=tuple(found)[:MOST],
        networks=tuple(networks),
        carrier=carrier,
        others=tuple(others)[:MOST],
    )


async def find_terminals(candidates: Sequence[Candidate]) -> tuple[Terminal, ...]:
    """Ask all candidates at once how they are; return the dishes among them, in the order given.

    It takes at most :data:`LONGEST` seconds.
    """
    found: dict[Candidate, Terminal] = {}

    async def ask(candidate: Candidate) -> None:
        terminal = await _ask(candidate)
        if terminal is not None:
            found[candidate] = terminal

    with anyio.move_on_after(LONGEST):
        async with anyio.create_task_group() as group:
            for candidate in candidates:
                group.start_soon(ask, candidate)
    return tuple(found[candidate] for candidate in candidates if candidate in found)


def local_trace() -> Trace:
    """Return the record of one question to a place on the local network, where steps have little time."""
    return Trace("a0", clock=Clock(), timeouts=Timeouts(), limit=STEP)


def local_dialer(candidate: Candidate) -> DirectDialer:
    """Return what reaches a candidate, by its own interface."""
    source = None if candidate.interface is None else Source(interface=candidate.interface)
    return DirectDialer(_NoNames(), source=source, policy=Policy(allow_private=True))


async def _ask(candidate: Candidate) -> Terminal | None:
    trace = local_trace()
    link = DishLink(Endpoint(host=candidate.address, port=GRPC_PORT), local_dialer(candidate), trace)
    try:
        status = await link.status()
        asked = next(step for step in reversed(trace.steps) if step.name == "terminal")
        history = await link.history()
    except NetError:
        return None
    return Terminal(
        address=candidate.address,
        interface=candidate.interface,
        milliseconds=(asked.t - asked.t0) * 1000,
        status=status,
        history=history,
    )


class _NoNames:
    """Candidates are addresses: there is no name to look up."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> NoReturn:  # noqa: ARG002 - a NameService's
        """Refuse."""
        raise CannotTry(Reason.UNSUPPORTED, "a terminal has no name")


def _ipv4(text: str | None) -> ipaddress.IPv4Address | None:
    try:
        return ipaddress.IPv4Address(text or "")
    except ValueError:
        return None


def _is_used(address: ipaddress.IPv4Address) -> bool:
    return not (address.is_loopback or address.is_link_local or address.is_unspecified)
