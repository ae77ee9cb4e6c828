"""The inside of a packet tunnel: IP packets of our own through it, without a network device and without rights.

A VPN transport gives a :class:`PacketTunnel`; :class:`Inside` sends UDP and ICMP echo through one, and hands what comes
back to whoever asked. There is no task in the background: whoever waits reads for everybody.
"""

from __future__ import annotations

import errno
import os
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.net import packets
from circumvent.net.packets import Echo, IcmpError, PacketError, Trouble, Udp
from circumvent.net.stream import Datagram

if TYPE_CHECKING:
    from random import Random

#: The least that every IPv6 path takes (RFC 8200, section 5), in bytes.
LEAST_MTU: Final = 1280
#: Packets of one flow that are kept until somebody reads them; more are lost, as in any socket.
MOST_KEPT: Final = 256
#: Where our ports inside a tunnel begin (RFC 6335, section 6).
_FIRST_PORT: Final = 49152


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelFacts:
    """What is known of the inside of a tunnel that is up.

    ``addresses`` are ours, IPv4 or IPv6 or both, without prefix length. ``resolvers`` is what the profile or the
    server says. ``gateways`` are the peer's own addresses, where they are known. ``mtu`` is that of packets inside.
    """

    addresses: tuple[str, ...]
    resolvers: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    mtu: int = LEAST_MTU


class PacketTunnel(Protocol):
    """IP packets through a tunnel that is up: its keys are proved, our addresses in it are known."""

    @property
    def facts(self) -> TunnelFacts:
        """Return what is known of its inside."""

    async def send(self, packet: bytes) -> None:
        """Send one IP packet.

        :raises OSError: as the system raises it for the connection outside.
        :raises anyio.BrokenResourceError: when that is gone.
        """

    async def receive(self) -> Datagram:
        """Wait for the next IP packet that authenticated; no packet is lost when this is cancelled.

        :raises OSError: as for :meth:`send`.
        :raises anyio.EndOfStream: when the peer ended the tunnel.
        :raises PeerError: when the peer said something that its protocol does not allow.
        """

    async def aclose(self) -> None:
        """Say goodbye as the protocol does, one packet without waiting, and close; never raises."""


@dataclass(slots=True)
class _Inbox:
    """What came for one flow, and how to wake whoever waits for it."""

    items: deque[Datagram | OSError] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))
    wake: anyio.Event = field(default_factory=anyio.Event)


class Inside:
    """UDP and ICMP echo through one tunnel. ``ignored`` counts packets that belong to nothing of ours."""

    def __init__(self, tunnel: PacketTunnel, random: Random) -> None:
        """Use a tunnel; nothing is sent. ``random`` chooses ports, identifiers and payloads."""
        self.tunnel = tunnel
        self.random = random
        self.ignored = 0
        self._own = {len(address): address for address in map(packets.packed, tunnel.facts.addresses[::-1])}
        self._udp: dict[tuple[bytes, int, int], _Inbox] = {}
        self._echoes: dict[tuple[bytes, int], Echoes] = {}
        self._reading = False
        self._waiting: list[_Inbox] = []

    def reaches(self, address: str) -> bool:
        """Tell whether we have an address of this one's family inside the tunnel."""
        return len(packets.packed(address)) in self._own

    def udp(self, address: str, port: int) -> TunnelDatagrams:
        """Return a datagram socket to one peer inside the tunnel, from a port of its own.

        :raises OSError: ``EADDRNOTAVAIL``, without an address of that family.
        """
        peer = packets.packed(address)
        own = self._from(peer)
        while (peer, port, local := self.random.randrange(_FIRST_PORT, 1 << 16)) in self._udp:
            pass  # pragma: no cover - a port that is in use already: one in sixteen thousand
        inbox = self._udp[peer, port, local] = _Inbox()
        return TunnelDatagrams(self, inbox, Udp(own, peer, local, port, b""))

    def echoes(self, address: str) -> Echoes:
        """Return what sends echo requests to ``address``, and takes in the replies.

        :raises OSError: ``EADDRNOTAVAIL``, without an address of that family.
        """
        peer = packets.packed(address)
        own = self._from(peer)
        while (peer, identifier := self.random.getrandbits(16)) in self._echoes:
            pass  # pragma: no cover - an identifier that is in use already: one in sixty-five thousand
        echoes = self._echoes[peer, identifier] = Echoes(self, address, Echo(own, peer, identifier, 0, b""))
        return echoes

    def forget(self, flow: Udp | Echo) -> None:
        """Take in nothing more for ``flow``."""
        if isinstance(flow, Udp):
            self._udp.pop((flow.destination, flow.destination_port, flow.source_port), None)
        else:
            self._echoes.pop((flow.destination, flow.identifier), None)

    async def receive(self, inbox: _Inbox) -> Datagram:
        """Wait until something is in ``inbox``; at most one task may wait for each.

        :raises OSError: for an ICMP error inside the tunnel, and as :meth:`PacketTunnel.receive`.
        """
        try:
            while not inbox.items:
                if self._reading:
                    await self._wait(inbox)
                else:
                    await self._read()
        finally:
            if not self._reading and self._waiting:
                self._waiting[0].wake.set()
        item = inbox.items.popleft()
        if isinstance(item, OSError):
            raise item
        return item

    async def _wait(self, inbox: _Inbox) -> None:
        inbox.wake = anyio.Event()
        self._waiting.append(inbox)
        try:
            await inbox.wake.wait()
        finally:
            self._waiting.remove(inbox)

    async def _read(self) -> None:
        self._reading = True
        try:
            datagram = await self.tunnel.receive()
        finally:
            self._reading = False
        try:
            taken = self._take(packets.parse(datagram.data), datagram.arrived)
        except PacketError:
            taken = False
        self.ignored += not taken

    def _take(self, packet: Udp | Echo | IcmpError, arrived: float) -> bool:
        """Hand a packet to whoever asked for it; tell whether anybody had."""
        if packet.destination != self._own.get(len(packet.destination)):
            return False
        if isinstance(packet, IcmpError):
            return self._take_error(packet)
        if isinstance(packet, Udp):
            inbox = self._udp.get((packet.source, packet.source_port, packet.destination_port))
            return inbox is not None and self._put(inbox, Datagram(packet.data, arrived))
        echoes = self._echoes.get((packet.source, packet.identifier)) if packet.reply else None
        if echoes is None or not echoes.expects(packet.sequence, packet.data):
            return False
        return self._put(echoes.inbox, Datagram(packet.sequence.to_bytes(2), arrived))

    def _take_error(self, error: IcmpError) -> bool:
        """Hand on what a router says of a packet of ours. Anybody inside can say so: it ends nothing by itself."""
        if error.protocol == packets.UDP:
            inbox = self._udp.get((error.about, error.second, error.first))
            if inbox is None:
                return False
            refused = error.trouble is Trouble.PORT_UNREACHABLE
            number = errno.ECONNREFUSED if refused else errno.EHOSTUNREACH
            return error.trouble is Trouble.TOO_BIG or self._put(inbox, OSError(number, os.strerror(number)))
        echoes = self._echoes.get((error.about, error.first))
        if echoes is None:
            return False
        if error.mtu is not None:
            echoes.mtu_said = error.mtu
        return True

    def _put(self, inbox: _Inbox, item: Datagram | OSError) -> bool:
        inbox.items.append(item)
        inbox.wake.set()
        return True

    def _from(self, peer: bytes) -> bytes:
        own = self._own.get(len(peer))
        if own is None:
            raise OSError(errno.EADDRNOTAVAIL, "no address of this family inside the tunnel")
        return own


class TunnelDatagrams:
    """A UDP socket inside a tunnel (:class:`circumvent.net.stream.DatagramStream`)."""

    def __init__(self, inside: Inside, inbox: _Inbox, flow: Udp) -> None:
        """Use :meth:`Inside.udp`."""
        self._inside = inside
        self._inbox = inbox
        self._flow = flow

    async def send(self, data: bytes) -> None:
        """Send one datagram; errors are those of the tunnel."""
        flow = self._flow
        packet = Udp(flow.source, flow.destination, flow.source_port, flow.destination_port, data)
        await self._inside.tunnel.send(packets.build(packet))

    async def receive(self) -> Datagram:
        """Wait for the next datagram.

        :raises OSError: ``ECONNREFUSED`` or ``EHOSTUNREACH`` after an ICMP error inside; else as the tunnel.
        """
        return await self._inside.receive(self._inbox)

    async def aclose(self) -> None:
        """Take in nothing more."""
        self._inside.forget(self._flow)


@dataclass(frozen=True, slots=True)
class EchoReply:
    """A reply that is right: to which request, how long the packet was, and when it came (clock seconds)."""

    number: int
    size: int
    arrived: float


class Echoes:
    """Echo requests to one place, each with a payload that was never sent before.

    ``mtu_said`` is what a router inside said about packets that were too big for it.
    """

    def __init__(self, inside: Inside, address: str, flow: Echo) -> None:
        """Use :meth:`Inside.echoes`."""
        self.address = address
        self.inbox = _Inbox()
        self.mtu_said: int | None = None
        self._inside = inside
        self._flow = flow
        self._payloads: dict[int, bytes] = {}
        self._sizes: dict[int, int] = {}
        self._next = 0

    @property
    def sent(self) -> int:
        """Return how many requests were sent."""
        return self._next

    @property
    def least(self) -> int:
        """Return the size of a packet with the shortest payload that shows anything: 16 bytes."""
        return self._overhead + 16

    @property
    def _overhead(self) -> int:
        head = packets.IPV6_HEADER if len(self._flow.source) == 16 else packets.IPV4_HEADER
        return head + packets.ICMP_HEADER

    async def send(self, size: int) -> int:
        """Send a request in a packet of ``size`` bytes, and return its number; errors are those of the tunnel."""
        flow, number = self._flow, self._next & 0xFFFF
        self._next += 1
        data = self._inside.random.randbytes(max(size, self.least) - self._overhead)
        self._payloads[number], self._sizes[number] = data, len(data) + self._overhead
        packet = Echo(flow.source, flow.destination, flow.identifier, number, data)
        await self._inside.tunnel.send(packets.build(packet))
        return number

    async def receive(self) -> EchoReply:
        """Wait for a reply that is right; each counts once. Errors are those of the tunnel."""
        datagram = await self._inside.receive(self.inbox)
        number = int.from_bytes(datagram.data)
        return EchoReply(number, self._sizes.pop(number), datagram.arrived)

    def expects(self, number: int, data: bytes) -> bool:
        """Tell whether this is the reply to a request that had none yet."""
        if self._payloads.get(number) != data:
            return False
        del self._payloads[number]
        return True

    def close(self) -> None:
        """Take in nothing more."""
        self._inside.forget(self._flow)
