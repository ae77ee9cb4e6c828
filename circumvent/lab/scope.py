"""To which flows a rule applies at all, and when. Pure.

A scope is looked at once for each flow, so that what a rule does not care for costs it nothing. Everything in it is
written as text and numbers, so that a scenario can say it in TOML.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from circumvent.lab.flow import Direction  # noqa: TC001 - scenario files are read by the types of fields
from circumvent.lab.packet import ESP, GRE, ICMP, ICMPV6, TCP, UDP

if TYPE_CHECKING:
    from circumvent.lab.flow import Flow

#: Names of protocols, and their numbers.
PROTOCOLS: Final = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMPV6, "gre": GRE, "esp": ESP}


class Prefixes:
    """A set of address ranges."""

    def __init__(self, prefixes: tuple[str, ...]) -> None:
        self._by_length: dict[int, list[tuple[int, int]]] = {4: [], 16: []}
        for text in prefixes:
            network = ip_network(text)
            self._by_length[network.max_prefixlen // 8].append(
                (int(network.netmask), int(network.network_address))
            )

    def __contains__(self, address: bytes) -> bool:
        number = int.from_bytes(address)
        return any(number & mask == base for mask, base in self._by_length[len(address)])


@lru_cache(maxsize=1024)
def prefixes(texts: tuple[str, ...]) -> Prefixes:
    """Return the set of the ranges that ``texts`` name.

    :raises ValueError: if one is no IP prefix.
    """
    return Prefixes(texts)


@lru_cache(maxsize=1024)
def port_set(ports: tuple[int | str, ...]) -> frozenset[int]:
    """Return the ports that ``ports`` name: numbers, and ranges written as ``"6881-6889"``.

    :raises ValueError: if one is neither.
    """
    found: set[int] = set()
    for item in ports:
        low, _, high = str(item).partition("-")
        begin, end = int(low), int(high or low)
        if not 0 <= begin <= end <= 65535:
            raise ValueError(f"{item!r} is no port and no range of ports")
        found.update(range(begin, end + 1))
    return frozenset(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which flows. What is left empty does not restrict.

    ``protocols`` are names of :data:`PROTOCOLS`; ``ports`` are those of the server side; ``servers`` and ``clients``
    are prefixes, and what lies in ``spared_servers`` or ``spared_clients`` is left alone; ``family`` is 4 or 6;
    ``opened_by`` is the direction of the first packet; ``marked`` is a word that another rule left on the flow;
    ``source_port_above`` wants the client's port to be above the server's, as the Chinese QUIC filter does ("Exposing
    and Circumventing SNI-based QUIC Censorship", USENIX Security 2025).
    """

    protocols: tuple[str, ...] = ()
    ports: tuple[int | str, ...] = ()
    servers: tuple[str, ...] = ()
    spared_servers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    spared_clients: tuple[str, ...] = ()
    family: int | None = None
    opened_by: Direction | None = None
    marked: str | None = None
    source_port_above: bool = False

    def __post_init__(self) -> None:
        unknown = set(self.protocols) - PROTOCOLS.keys()
        if unknown:
            raise ValueError(f"unknown protocols: {sorted(unknown)}")
        if self.family not in (None, 4, 6):
            raise ValueError("a family is 4 or 6")
        port_set(self.ports)
        for texts in (self.servers, self.spared_servers, self.clients, self.spared_clients):
            prefixes(texts)

    def covers(self, flow: Flow) -> bool:
        """Tell whether the flow is one of these; marks come later, see :meth:`allows_marks`."""
        key = flow.key
        return not (
            (self.protocols and key.protocol not in {PROTOCOLS[name] for name in self.protocols})
            or (self.ports and key.server_port not in port_set(self.ports))
            or (self.family and len(key.server) != (4 if self.family == 4 else 16))
            or (self.opened_by and flow.opened_by is not self.opened_by)
            or (self.source_port_above and key.client_port <= key.server_port)
            or (self.servers and key.server not in prefixes(self.servers))
            or (self.spared_servers and key.server in prefixes(self.spared_servers))
            or (self.clients and key.client not in prefixes(self.clients))
            or (self.spared_clients and key.client in prefixes(self.spared_clients))
        )

    def allows_marks(self, flow: Flow) -> bool:
        """Tell whether the flow has the mark that is wanted."""
        return self.marked is None or self.marked in flow.marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When a rule is in force: from ``begin`` to ``end``, in seconds since the wire was opened, again each ``period``.

    A curfew from 16:00 to 24:00 in a day of 60 seconds is ``Window(begin=40, end=60, period=60)``.
    """

    begin: float = 0.0
    end: float = math.inf
    period: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end or (self.period is not None and self.end > self.period):
            raise ValueError("a window begins before it ends, and ends within its period")

    def holds(self, now: float) -> bool:
        """Tell whether ``now`` lies in it."""
        moment = now if self.period is None else now % self.period
        return self.begin <= moment < self.end
