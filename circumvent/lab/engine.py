"""What happens to packets between the client and the world. Pure: packets and times in, packets and times out.

::

    client ── near: hops, MTU, a link each way ── censor ── far: hops, MTU, a link each way ── world

Each segment is a number of routers: they take from the hop limit and send ICMP when it ends ("time exceeded") or when
a packet is too long ("fragmentation needed", "packet too big"). So a probe with a small hop limit can find out where
the censor sits.

Programs of the censor's own may live at its place, the *middle*: a box that splits TCP, a man in the middle. What goes
to their addresses does not cross the far segment; what they send to the client is judged like anything else on its way
down, so that a redirection turns it back; what they send to the world is not judged.
"""

from __future__ import annotations

import enum
import heapq
import random
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from circumvent.lab import icmp
from circumvent.lab.censor import Censor, summary
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.fragments import fragmented
from circumvent.lab.link import PERFECT, Link, LinkConfig
from circumvent.lab.packet import Packet, PacketError, forwarded, parse
from circumvent.lab.rules.redirect import ORACLE
from circumvent.lab.scope import prefixes

if TYPE_CHECKING:
    from collections.abc import Callable

#: Router number n has this address plus n.
ROUTERS: Final = ("10.78.254.0", "fd78:0:0:fe::")
_ROUTERS_IPV4: Final = int(ip_address(ROUTERS[0]))
_ROUTERS_IPV6: Final = int(ip_address(ROUTERS[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One part of the path: routers, the longest packet in bytes, and a link in each direction."""

    hops: int = 1
    mtu: int = 1500
    up: LinkConfig = PERFECT
    down: LinkConfig = PERFECT

    def __post_init__(self) -> None:
        if not 0 <= self.hops <= 30 or not 576 <= self.mtu <= 65535:
            raise ValueError("a segment has 0 to 30 hops and an MTU of 576 to 65535")


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """The way between client and world: what lies before the censor, and what lies beyond."""

    near: Segment = Segment()
    far: Segment = field(default_factory=lambda: symmetric(delay=0.025))


def symmetric(*, hops: int = 1, mtu: int = 1500, **link: Any) -> Segment:
    """Return a segment whose two directions are alike; ``link`` are the fields of :class:`LinkConfig`."""
    config = LinkConfig(**link)
    return Segment(hops=hops, mtu=mtu, up=config, down=config)


class Place(enum.Enum):
    """Where packets are taken in and handed out."""

    CLIENT = "client"
    MIDDLE = "middle"
    WORLD = "world"


class _Event(NamedTuple):
    """A packet on its way to a place; ``None`` is the censor."""

    due: float
    order: int
    place: Place | None
    direction: Direction
    packet: Packet


#: Seconds by which a packet may be late without being counted so.
MOMENT: Final = 0.02


@dataclass(slots=True)
class EngineCounters:
    """Packets taken in and handed out, and why others were not.

    ``late_ms`` is by how much the wire was late in all, in milliseconds: whoever drives the engine had no processor. A
    moment (:data:`MOMENT`) each time is left out, which any machine may take.
    """

    taken: int = 0
    delivered: int = 0
    malformed: int = 0
    local: int = 0
    expired: int = 0
    too_big: int = 0
    late_ms: int = 0

    def was_late(self, seconds: float) -> None:
        """Take note that something was done so long after it was due."""
        if seconds > MOMENT:
            self.late_ms += round((seconds - MOMENT) * 1000)


class _Half:
    """A segment at work. ``base`` is the number of routers on the client's side of it."""

    def __init__(self, segment: Segment, base: int, seed: str) -> None:
        self.segment = segment
        self.base = base
        self.links = {
            direction: Link(config, random.Random(f"{seed}/{direction.value}"))  # noqa: S311 - chance that must repeat
            for direction, config in ((UP, segment.up), (DOWN, segment.down))
        }
        self.instant = {direction: link.config.perfect for direction, link in self.links.items()}

    def router(self, packet: Packet, direction: Direction, hop: int) -> bytes:
        """Return the address of the router that ``packet`` meets after ``hop`` hops here, in its own family."""
        number = self.base + (hop if direction is UP else self.segment.hops - hop + 1)
        if packet.version == 4:
            return (_ROUTERS_IPV4 + number).to_bytes(4)
        return (_ROUTERS_IPV6 + number).to_bytes(16)


class Engine:
    """The path and its censor at work. ``seed`` decides all chance of the links; the censor has its own.

    ``middle`` are the addresses of programs at the censor's place, ``clients`` the prefixes on the client side.
    """

    def __init__(
        self,
        path: Path,
        censor: Censor,
        *,
        seed: int = 0,
        middle: tuple[str, ...] = (),
        clients: tuple[str, ...] = (),
        tap: Callable[[float, Direction, bytes], None] | None = None,
    ) -> None:
        self.censor = censor
        self.counters = EngineCounters()
        self._near = _Half(path.near, 0, f"{seed}/near")
        self._far = _Half(path.far, path.near.hops, f"{seed}/far")
        self._middle = frozenset(ip_address(each).packed for each in middle)
        self._clients = prefixes(clients)
        self._tap = tap
        self._events: list[_Event] = []
        self._order = 0

    def take(self, place: Place, raw: bytes, now: float) -> None:
        """Take a packet from the client, from the world, or from a program in the middle."""
        self.counters.taken += 1
        if self._tap is not None and place is Place.CLIENT:
            self._tap(now, UP, raw)
        try:
            packet = parse(raw)
        except PacketError:
            self.counters.malformed += 1
            return
        if packet.destination[0] >= 0xE0 and _stays(packet):
            self.counters.local += 1
            return
        if place is Place.CLIENT:
            self._cross(self._near, UP, packet, now)
        elif place is Place.WORLD:
            self._cross(self._far, DOWN, packet, now)
        elif packet.destination in self._clients or packet.destination == ORACLE.address:
            self._judge(packet, DOWN, now)
        else:
            self._cross(self._far, UP, packet, now)

    def next_time(self) -> float | None:
        """Return when something is to be done next, ``None`` if nothing is on its way."""
        return self._events[0].due if self._events else None

    def deliver(self, now: float) -> list[tuple[Place, bytes]]:
        """Return the packets that have arrived by ``now``, each with the place that it is for."""
        arrived: list[tuple[Place, bytes]] = []
        events = self._events
        while events and events[0].due <= now:
            due, _, place, direction, packet = heapq.heappop(events)
            if place is None:
                self._judge(packet, direction, due)
                continue
            if self._tap is not None and place is Place.CLIENT:
                self._tap(due, DOWN, packet.raw)
            arrived.append((place, packet.raw))
        self.counters.delivered += len(arrived)
        return arrived

    def report(self) -> dict[str, Any]:
        """Return all counters as plain values."""
        return {
            "engine": asdict(self.counters),
            "rules": summary(self.censor.counters),
            "links": {
                f"{name}-{direction.value}": asdict(link.counters)
                for name, half in (("near", self._near), ("far", self._far))
                for direction, link in half.links.items()
            },
        }

    def _judge(self, packet: Packet, direction: Direction, now: float) -> None:
        if direction is DOWN and packet.destination in self._middle:
            self._push(now, direction, packet, Place.MIDDLE)
            return
        ruling = self.censor.judge(packet, direction, now)
        for way, piece, delay in ruling.onward:
            self._leave(way, piece, now + delay)
        for way, raw in ruling.forged:
            self._leave(way, parse(raw), now)

    def _leave(self, direction: Direction, packet: Packet, now: float) -> None:
        """Send a packet on from the censor's place."""
        if direction is DOWN:
            self._cross(self._near, direction, packet, now)
        elif packet.destination in self._middle:
            self._push(now, direction, packet, Place.MIDDLE)
        else:
            self._cross(self._far, direction, packet, now)

    def _cross(self, half: _Half, direction: Direction, packet: Packet, now: float) -> None:
        """Send a packet over a segment; at its end wait the censor, or whom it is for."""
        hops = half.segment.hops
        if hops:
            left = packet.hop_limit
            if left <= hops:
                self.counters.expired += 1
                hop = max(left, 1)
                if not icmp.is_error(packet):
                    error = icmp.time_exceeded(packet, half.router(packet, direction, hop))
                    self._return(half, direction, error, now, hop / hops)
                return
            packet = forwarded(packet, hops)
        if len(packet.raw) > half.segment.mtu:
            self._squeeze(half, direction, packet, now)
        else:
            self._send(half, direction, packet, now)

    def _send(self, half: _Half, direction: Direction, packet: Packet, now: float) -> None:
        at_censor = (half is self._near) is (direction is UP)
        if at_censor and half.instant[direction]:
            self._judge(packet, direction, now)
            return
        place = None if at_censor else _end(direction)
        for due in half.links[direction].send(len(packet.raw), now):
            self._push(due, direction, packet, place)

    def _push(self, due: float, direction: Direction, packet: Packet, place: Place | None) -> None:
        self._order += 1
        heapq.heappush(self._events, _Event(due, self._order, place, direction, packet))

    def _squeeze(self, half: _Half, direction: Direction, packet: Packet, now: float) -> None:
        """A packet is too long for a segment: cut it, or tell its sender."""
        mtu = half.segment.mtu
        if not packet.dont_fragment:
            for piece in fragmented(packet, mtu):
                self._send(half, direction, parse(piece), now)
            return
        self.counters.too_big += 1
        if not icmp.is_error(packet):
            error = icmp.too_big(packet, half.router(packet, direction, 1), mtu)
            self._return(half, direction, error, now, 1 / max(half.segment.hops, 1))

    def _return(self, half: _Half, direction: Direction, error: bytes, now: float, share: float) -> None:
        """Send an ICMP error back to the sender of a packet, from ``share`` of the way along a segment.

        It does not pass the censor: what is beyond the censor says nothing that the censor would act on.
        """
        back = direction.other
        delay = share * (half.links[direction].config.delay + half.links[back].config.delay)
        packet = parse(error)
        if packet.destination in self._middle:
            self._push(now + delay, back, packet, Place.MIDDLE)
            return
        from_beyond = half is (self._far if direction is UP else self._near)
        if from_beyond:
            other = self._near if direction is UP else self._far
            for due in other.links[back].send(len(error), now + delay):
                self._push(due, back, packet, _end(back))
        else:
            self._push(now + delay, back, packet, _end(back))


def _stays(packet: Packet) -> bool:
    """Tell whether no router forwards it: multicast, broadcast (RFC 1812, section 5.3), link-local (RFC 4291)."""
    first, second = packet.destination[:2]
    return packet.version == 4 or first == 0xFF or (first == 0xFE and second & 0xC0 == 0x80)


def _end(direction: Direction) -> Place:
    """Where packets in ``direction`` end up."""
    return Place.WORLD if direction is UP else Place.CLIENT
