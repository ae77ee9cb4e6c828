"""What passed between a client's port and a server's port so far. Pure.

A flow is named from where it stands, not from who began it: its *client* is the end on the client side of the wire.
Packets without ports (ICMP, GRE, fragments) make flows with port 0.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from circumvent.lab.packet import ACK, RST, SYN, TCP, Endpoint, Packet
from circumvent.lab.stream import Stream

#: Seconds without a packet after which a flow is forgotten.
IDLE: Final = 300.0
#: Flows that are remembered; beyond, the one that was begun first is forgotten.
MOST_FLOWS: Final = 16384
#: Payloads that are kept of each direction, in the order in which they came.
MOST_FIRST: Final = 8


class Direction(enum.Enum):
    """Which way a packet goes: up from the client to the world, or down."""

    UP = "up"
    DOWN = "down"

    @property
    def other(self) -> Direction:
        """The way back."""
        return Direction.DOWN if self is Direction.UP else Direction.UP


UP: Final = Direction.UP
DOWN: Final = Direction.DOWN


class FlowKey(NamedTuple):
    """The five numbers that name a flow."""

    protocol: int
    client: bytes
    client_port: int
    server: bytes
    server_port: int


def key_of(packet: Packet, direction: Direction) -> FlowKey:
    """Return the name of the flow that ``packet`` belongs to."""
    if direction is UP:
        return FlowKey(
            packet.protocol, packet.source, packet.source_port, packet.destination, packet.destination_port
        )
    return FlowKey(
        packet.protocol, packet.destination, packet.destination_port, packet.source, packet.source_port
    )


@dataclass(slots=True)
class Side:
    """What one end sent. ``size`` counts IP bytes, ``fresh`` packets with data that had not been sent before.

    ``first`` are the payloads of the first of these; ``stream`` is ``None`` unless the flow is TCP.
    """

    packets: int = 0
    size: int = 0
    payload: int = 0
    fresh: int = 0
    first: list[bytes] = field(default_factory=list)
    stream: Stream | None = None
    syn: bool = False


@dataclass(slots=True, eq=False)
class Flow:
    """One connection or exchange. ``opened_by`` is the direction of its first packet.

    ``states`` is where rules keep what they know of this flow, each under its own name; ``readings`` is where readers
    keep what they took apart, so that rules that read the same do so once; ``marks`` are words that rules leave for
    other rules; ``fired`` are the names of rules that fired on it.
    """

    key: FlowKey
    opened: float
    opened_by: Direction
    last: float = 0.0
    up: Side = field(default_factory=Side)
    down: Side = field(default_factory=Side)
    answered: bool = False
    states: dict[str, Any] = field(default_factory=dict)
    readings: dict[object, Any] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    fired: set[str] = field(default_factory=set)

    @property
    def client(self) -> Endpoint:
        """The end on the client side."""
        return Endpoint(self.key.client, self.key.client_port)

    @property
    def server(self) -> Endpoint:
        """The end on the world side."""
        return Endpoint(self.key.server, self.key.server_port)

    def side(self, direction: Direction) -> Side:
        """What went in ``direction``."""
        return self.up if direction is UP else self.down

    def note(self, packet: Packet, direction: Direction, now: float) -> bool:
        """Take a packet in; tell whether it brings data that had not been sent before."""
        self.last = now
        side = self.up if direction is UP else self.down
        length = packet.end - packet.body
        side.packets += 1
        side.size += len(packet.raw)
        side.payload += length
        stream = side.stream
        if stream is not None:
            flags = packet.flags
            if flags & SYN:
                side.syn = True
                stream.open(packet.sequence)
                return False
            if flags & ACK and not self.answered and direction is self.opened_by:
                # The third packet of the handshake, or anything after it.
                self.answered = self.up.syn and self.down.syn
            if not length:
                return False
            if stream.full and side.fresh >= MOST_FIRST:
                # Past what anybody reads: order no longer matters, only that there was data.
                side.fresh += 1
                return True
            if not stream.add(packet.sequence, packet.payload):
                return False
        elif not length:
            return False
        side.fresh += 1
        if len(side.first) < MOST_FIRST:
            side.first.append(packet.payload)
        return True


class FlowTable:
    """All flows that are remembered."""

    def __init__(self) -> None:
        self._flows: dict[FlowKey, Flow] = {}
        self._purged = 0.0

    def __len__(self) -> int:
        return len(self._flows)

    def find(self, packet: Packet, direction: Direction, now: float) -> Flow:
        """Return the flow of ``packet``, new if there is none.

        A SYN with another sequence number than the one seen begins a new flow under the old name.
        """
        key = key_of(packet, direction)
        flow = self._flows.get(key)
        if flow is not None and now - flow.last <= IDLE and not _begins_anew(flow, packet, direction):
            return flow
        if flow is not None:
            del self._flows[key]
        if now - self._purged > IDLE or len(self._flows) >= MOST_FLOWS:
            self._purge(now)
        flow = self._flows[key] = Flow(key, now, direction)
        if packet.protocol == TCP:
            flow.up.stream, flow.down.stream = Stream(), Stream()
        return flow

    def _purge(self, now: float) -> None:
        self._purged = now
        for key in [key for key, flow in self._flows.items() if now - flow.last > IDLE]:
            del self._flows[key]
        while len(self._flows) >= MOST_FLOWS:
            del self._flows[next(iter(self._flows))]


def _begins_anew(flow: Flow, packet: Packet, direction: Direction) -> bool:
    if packet.flags & (SYN | ACK | RST) != SYN or packet.protocol != TCP:
        return False
    side = flow.side(direction)
    stream = side.stream
    return side.fresh > 0 or (side.syn and stream is not None and not stream.begins_at(packet.sequence))
