"""One direction of a link: when a packet comes out at the other end, if at all. Pure; time is an argument.

All chance comes from the random generator that the link is made with. Rates are in bytes a second, times in seconds,
lengths in bytes of IP packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """All packets are lost for the first ``lasts`` seconds of each ``period``, as when a satellite is changed."""

    period: float
    lasts: float

    def __post_init__(self) -> None:
        if not 0 < self.lasts < self.period:
            raise ValueError("a handover lasts for a part of its period")

    def loses(self, now: float) -> bool:
        """Tell whether a packet is lost now. The first period has no handover: the link begins connected."""
        return now >= self.period and now % self.period < self.lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConfig:
    """How one direction behaves.

    ``delay`` plus or minus ``jitter`` is how long a packet travels, evenly distributed; jitter alone does not change
    the order. ``loss`` is the fraction that is lost, ``duplicate`` the fraction that comes twice. ``reorder`` is the
    fraction that comes ``reorder_by`` later than it should, so that others overtake it. ``rate`` is how much goes
    through in a second (``None``: any amount), and ``queue`` how much may wait for that.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.01
    rate: float | None = None
    queue: int = 256 * 1024
    handover: Handover | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.jitter <= self.delay:
            raise ValueError("jitter lies between 0 and the delay")
        if not all(0 <= share <= 1 for share in (self.loss, self.duplicate, self.reorder)):
            raise ValueError("loss, duplicate and reorder are fractions")
        if (self.rate is not None and self.rate <= 0) or self.queue < 0 or self.reorder_by < 0:
            raise ValueError("a rate is positive, a queue and a time are not negative")

    @property
    def perfect(self) -> bool:
        """Whether packets come out at once, all of them."""
        return self == PERFECT


PERFECT: Final = LinkConfig()


@dataclass(slots=True)
class LinkCounters:
    """Packets that went in, and what became of those that did not come out as they went in."""

    sent: int = 0
    lost: int = 0
    overflowed: int = 0
    duplicated: int = 0
    reordered: int = 0


class Link:
    """One direction, with what is on its way."""

    def __init__(self, config: LinkConfig, dice: random.Random) -> None:
        self.config = config
        self.counters = LinkCounters()
        self._dice = dice
        self._free = 0.0
        self._latest = 0.0

    def send(self, size: int, now: float) -> tuple[float, ...]:
        """Put a packet of ``size`` bytes in; return when it comes out: once, twice or never."""
        config, counters = self.config, self.counters
        counters.sent += 1
        if (config.loss and self._dice.random() < config.loss) or (
            config.handover is not None and config.handover.loses(now)
        ):
            counters.lost += 1
            return ()
        leaves = now
        if config.rate is not None:
            waiting = max(0.0, self._free - now) * config.rate
            if waiting > 0 and waiting + size > config.queue:
                counters.overflowed += 1
                return ()
            leaves = self._free = max(self._free, now) + size / config.rate
        due = leaves + config.delay
        if config.jitter:
            due += self._dice.uniform(-config.jitter, config.jitter)
        if config.reorder and self._dice.random() < config.reorder:
            counters.reordered += 1
            return (due + config.reorder_by,)
        due = self._latest = max(due, self._latest)
        if config.duplicate and self._dice.random() < config.duplicate:
            counters.duplicated += 1
            return due, due
        return (due,)
