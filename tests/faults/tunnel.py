"""A packet tunnel in memory, with a small internet behind it: who answers what, and what goes wrong on the way.

Its packets are read and built with the laboratory's own codec, so that ours is not held against itself.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import anyio
import dns.message

from circumvent.lab import icmp as lab_icmp
from circumvent.lab import packet as lab
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts

if TYPE_CHECKING:
    from circumvent.net.trace import Trace
    from tests.faults.dns import Behaviour

GATEWAY: Final = "10.9.0.1"
OWN_RESOLVER: Final = "10.9.0.53"
PUBLIC: Final = ("192.0.2.53", "198.51.100.53")
OUTSIDE: Final = 60  #: bytes around a packet outside


@dataclass(slots=True, kw_only=True)
class Network:
    """What is behind the tunnel.

    ``resolvers`` answer questions so; ``echo`` are the places that answer echoes; larger packets than ``mtu`` vanish, or
    are reported if ``reports``; ``loss`` is the part that is lost each way; after ``cut`` bytes down nothing comes, after ``ends``
    the connection outside ends. ``rate`` are the bytes a second that go up, behind a queue of ``queue`` seconds.
    """

    resolvers: dict[str, Behaviour]
    echo: frozenset[str] = frozenset({GATEWAY, *PUBLIC})
    mtu: int = 1500
    reports: bool = False
    loss: float = 0.0
    cut: int | None = None
    ends: int | None = None
    seconds: float = 0.0
    rate: float = math.inf
    queue: float = 1.0
    closed: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    echoed: list[str] = field(default_factory=list)


class FakeTunnel:
    """A tunnel that is up, without a protocol."""

    def __init__(self, network: Network, trace: Trace, facts: TunnelFacts | None = None) -> None:
        self._network = network
        self._trace = trace
        self._facts = facts or TunnelFacts(
            addresses=("10.9.0.2",), resolvers=(OWN_RESOLVER,), gateways=(GATEWAY,), mtu=1420
        )
        self._random = random.Random(1)
        self._down: list[tuple[float, bytes]] = []
        self._arrived = anyio.Event()
        self._free = 0.0  # when the way up is free again
        self.open = True

    @property
    def facts(self) -> TunnelFacts:
        return self._facts

    async def send(self, packet: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        self._trace.first_packet()
        self._trace.bytes_sent += len(packet) + OUTSIDE
        network = self._network
        now = self._trace.clock.now()
        if self._random.random() < network.loss or self._free - now > network.queue:
            return
        self._free = max(self._free, now) + (len(packet) + OUTSIDE) / network.rate
        for answer in self._answers(lab.parse(packet)):
            if self._random.random() >= network.loss:
                self._down.append((self._free + network.seconds, answer))
        self._arrived.set()

    async def receive(self) -> Datagram:
        while True:
            if self._down:
                due, packet = self._down[0]
                await anyio.sleep(max(due - self._trace.clock.now(), 0.0))
                self._down.pop(0)
                size = len(packet) + OUTSIDE
                if self._network.ends is not None and self._trace.bytes_received + size > self._network.ends:
                    raise ConnectionResetError
                if self._network.cut is not None and self._trace.bytes_received + size > self._network.cut:
                    continue
                self._trace.bytes_received += size
                return Datagram(packet, self._trace.clock.now())
            self._arrived = anyio.Event()
            await self._arrived.wait()

    async def aclose(self) -> None:
        self.open = False

    def _answers(self, packet: lab.Packet) -> list[bytes]:
        network = self._network
        to = str(ip_address(packet.destination))
        if len(packet.raw) > network.mtu:
            router = ip_address(GATEWAY).packed
            return [lab_icmp.too_big(packet, router, network.mtu)] if network.reports else []
        if packet.protocol == lab.UDP:
            if to in network.closed:
                return [lab_icmp.unreachable(packet, packet.destination, lab_icmp.Unreachable.PORT)]
            return self._resolve(to, packet)
        network.echoed.append(to)
        if to not in network.echo:
            return []
        body = bytearray(packet.raw[packet.start : packet.end])
        body[0] = 0 if packet.version == 4 else 129
        body[2:4] = bytes(2)
        six = packet.version == 6
        before = lab.pseudo_sum(packet.destination, packet.source, lab.ICMPV6, len(body)) if six else 0
        body[2:4] = lab.checksum(bytes(body), before).to_bytes(2)
        return [lab.build_ip(packet.destination, packet.source, packet.protocol, bytes(body))]

    def _resolve(self, to: str, packet: lab.Packet) -> list[bytes]:
        behave = self._network.resolvers.get(to)
        if behave is None or packet.destination_port != 53:
            return []
        query = dns.message.from_wire(packet.payload)
        self._network.asked.append(to)
        return [lab.build_udp(packet.receiver, packet.sender, answer) for answer in behave(query, "udp")]
