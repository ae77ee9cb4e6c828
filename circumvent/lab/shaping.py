"""Actions that slow down: policing (what is too much is dropped) and shaping (it waits). Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.rule import DROPPED, Verdict

if TYPE_CHECKING:
    from collections.abc import Hashable

    from circumvent.lab.flow import Flow
    from circumvent.lab.rule import Memory, Sight


class Share(enum.Enum):
    """What shares one allowance."""

    FLOW = "flow"
    SERVER = "server"
    CLIENT = "client"
    ALL = "all"

    def of(self, flow: Flow) -> Hashable:
        """Return the key of the allowance that ``flow`` draws on."""
        match self:
            case Share.FLOW:
                return flow.key
            case Share.SERVER:
                return flow.key.server
            case Share.CLIENT:
                return flow.key.client
            case _:
                return None


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Police:
    """Drop what exceeds ``rate`` bytes a second beyond ``burst`` bytes (a token bucket for each direction).

    Russia slowed Twitter down to 130-150 kbit/s in this way (Throttling Twitter, IMC 2021).
    """

    rate: float
    burst: float = 16384.0
    share: Share = Share.FLOW
    directions: tuple[Direction, ...] = (UP, DOWN)

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Take the packet from the allowance, or drop it."""
        if sight.direction not in self.directions:
            return None
        key = ("police", sight.direction, self.share.of(sight.flow))
        bucket = memory.table.get(key)
        if bucket is None:
            bucket = _Bucket(self.burst, sight.now)
            memory.keep(key, bucket)
        bucket.tokens = min(self.burst, bucket.tokens + (sight.now - bucket.filled) * self.rate)
        bucket.filled = sight.now
        size = len(sight.packet.raw)
        if bucket.tokens < size:
            return DROPPED
        bucket.tokens -= size
        return None


@dataclass(slots=True)
class _Queue:
    free: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Send no faster than ``rate`` bytes a second; what would wait longer than ``patience`` seconds is dropped."""

    rate: float
    patience: float = 1.0
    share: Share = Share.FLOW
    directions: tuple[Direction, ...] = (UP, DOWN)

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Queue the packet."""
        if sight.direction not in self.directions:
            return None
        key = ("shape", sight.direction, self.share.of(sight.flow))
        queue = memory.table.get(key)
        if queue is None:
            queue = _Queue(sight.now)
            memory.keep(key, queue)
        begin = max(queue.free, sight.now)
        if begin - sight.now > self.patience:
            return DROPPED
        queue.free = begin + len(sight.packet.raw) / self.rate
        return Verdict(delay=queue.free - sight.now)
