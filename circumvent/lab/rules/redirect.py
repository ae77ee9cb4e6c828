"""Packets that go somewhere else than they were meant to: transparent redirection, as a rule of its own.

It is how a censor brings in a program of its own: a resolver that takes all of port 53, the page of a captive portal, a
man in the middle with another certificate authority, a box that answers every connection and splits TCP. The program is a
server on the world side that listens on one address and port; the client believes that it speaks to whom it asked for.

A helper that must know whom the client meant (a man in the middle, a splitter) asks the engine: a datagram to
:data:`ORACLE` with the text ``tcp ADDRESS PORT`` of its peer is answered with ``ADDRESS PORT`` of the destination
that was meant, or with an empty datagram.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from circumvent.lab.flow import UP
from circumvent.lab.packet import TCP, UDP, Endpoint, Packet, build_udp, rewritten
from circumvent.lab.rule import DROPPED, Verdict
from circumvent.lab.scope import Scope  # noqa: TC001 - scenario files are read by the types of fields

if TYPE_CHECKING:
    from circumvent.lab.flow import Flow
    from circumvent.lab.rule import Memory, Sight

#: Where helpers ask; routed into the wire on the world side (:class:`circumvent.lab.wire.WireConfig`, ``beyond``).
ORACLE: Final = Endpoint.of("10.78.253.1", 1)
_NAMES: Final = {"tcp": TCP, "udp": UDP}
_LONGEST_QUESTION: Final = 100
#: Ports under which clients are shown whose own is taken: beyond those that Linux gives out by itself.
_FIRST_PORT: Final = 61000
_LAST_PORT: Final = 65535
_NOBODY: Final[tuple[None, None, None]] = (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """Send what the client sends within ``scope`` to another address, and let the answers come from where it asked.

    ``ipv4`` and ``ipv6`` are (address, port) of the helper for each family; without one, packets of that family are
    left alone. Port 0 keeps the port. Put it last: what comes after it sees the new addresses.
    """

    name: str
    scope: Scope
    ipv4: tuple[str, int] | None = None
    ipv6: tuple[str, int] | None = None

    def __post_init__(self) -> None:
        for target, version in ((self.ipv4, 4), (self.ipv6, 6)):
            if target is not None and ip_address(target[0]).version != version:
                raise ValueError(f"{target[0]} is of the other address family")

    def see(self, sight: Sight, memory: Memory) -> Verdict | None:
        """Rewrite the destination on the way out, the source on the way back."""
        packet = sight.packet
        if packet.protocol not in (TCP, UDP) or packet.fragment is not None:
            return None
        if sight.direction is UP:
            if packet.destination == ORACLE.address or not self._wants(sight.flow):
                return None
            target = self._target(packet)
            if target is None or target == packet.receiver:
                return None
            shown = self._shown(packet, target, memory)
            memory.keep((packet.protocol, shown), (packet.receiver, packet.sender, target))
            return Verdict(replace=rewritten(packet, sender=shown, receiver=target))
        if packet.destination == ORACLE.address:
            return self._answer(packet, memory)
        meant, client, target = memory.table.get((packet.protocol, packet.receiver), _NOBODY)
        return (
            Verdict(replace=rewritten(packet, sender=meant, receiver=client))
            if target == packet.sender
            else None
        )

    def _shown(self, packet: Packet, target: Endpoint, memory: Memory) -> Endpoint:
        """Return as whom the helper sees a client: itself, but with another port if this one is taken.

        A client may use one port of its own towards several servers at once. For the helper these would be one.
        """
        mine = (packet.receiver, packet.sender, target)
        alias = ("shown", packet.protocol, *mine)
        shown: Endpoint | None = memory.table.get(alias)
        if shown is not None and memory.table.get((packet.protocol, shown)) == mine:
            return shown
        ports = (packet.source_port, *range(_LAST_PORT, _FIRST_PORT, -1))
        free = (Endpoint(packet.source, port) for port in ports)
        shown = next(
            (one for one in free if memory.table.get((packet.protocol, one), mine) == mine), packet.sender
        )
        memory.keep(alias, shown)
        return shown

    def _wants(self, flow: Flow) -> bool:
        state = flow.states.get(self.name)
        if state is None:
            state = flow.states[self.name] = self.scope.covers(flow)
        return bool(state) and self.scope.allows_marks(flow)

    def _target(self, packet: Packet) -> Endpoint | None:
        target = self.ipv4 if packet.version == 4 else self.ipv6
        if target is None:
            return None
        return Endpoint.of(target[0], target[1] or packet.destination_port)

    def _answer(self, packet: Packet, memory: Memory) -> Verdict:
        """Tell a helper whom its peer meant."""
        words = packet.payload[:_LONGEST_QUESTION].decode("ascii", "replace").split()
        try:
            protocol, client = _NAMES[words[0]], Endpoint.of(words[1], int(words[2]))
        except (KeyError, IndexError, ValueError):
            return DROPPED
        meant = memory.table.get((protocol, client), _NOBODY)[0]
        answer = b"" if meant is None else f"{ip_address(meant.address)} {meant.port}".encode("ascii")
        return Verdict(drop=True, to_server=(build_udp(packet.receiver, packet.sender, answer),))
