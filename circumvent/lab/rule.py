"""The interface of everything that censors: a rule sees a packet and says what becomes of it.

A :class:`Rule` is configuration and nothing else; one rule object may serve many censors. What it has to remember it
keeps

- of a flow, in ``sight.flow.states[rule.name]``;
- of everything else (clients, endpoints, past offences), in the :class:`Memory` that its censor keeps for it.

Chance comes from ``memory.random``, which is seeded by the censor's seed and the rule's name: a run can be repeated,
and one rule's dice do not move another's. Time comes from ``sight.now``, in seconds since the wire was opened.

Returning ``None`` means that the rule has nothing to say; returning a :class:`Verdict`, even an empty one, means that
it *fired*, and is counted. A scenario in which a rule never fired has not tried what it claims to try.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable

    from circumvent.lab.flow import Direction, Flow
    from circumvent.lab.packet import Packet

#: Keys that a memory keeps; beyond, the oldest is forgotten.
MOST_REMEMBERED: Final = 65536


@dataclass(slots=True)
class Sight:
    """One packet as a rule sees it.

    ``flow`` has this packet counted already. ``fresh`` tells whether it carries data that had not been sent before (no
    retransmission, no bare acknowledgment). ``now`` is in seconds since the wire was opened.
    """

    packet: Packet
    flow: Flow
    direction: Direction
    fresh: bool
    now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a packet.

    ``drop``: it goes no further, and no later rule sees it. ``replace``: this one goes on in its place. ``delay``:
    seconds that it is held back. ``to_client``, ``to_server``: packets sent from the censor's place, in this order,
    after the packet itself. ``mark``: a word left on the flow, for other rules' scopes.
    """

    drop: bool = False
    replace: Packet | None = None
    delay: float = 0.0
    to_client: tuple[bytes, ...] = ()
    to_server: tuple[bytes, ...] = ()
    mark: str | None = None


DROPPED: Final = Verdict(drop=True)


class Rule(Protocol):
    """One behaviour of a censor."""

    @property
    def name(self) -> str:
        """What its counters and its memory are kept under; unique within a censor."""

    def see(self, sight: Sight, memory: Memory) -> Verdict | None:
        """Say what becomes of the packet, ``None`` if this rule does not fire. Must not raise."""


@dataclass(slots=True)
class Counter:
    """How often a rule was asked, and how often it fired (packets), and on how many flows."""

    seen: int = 0
    fired: int = 0
    flows: int = 0


class Penalties:
    """Keys that are punished until a moment. Bounded: the oldest is forgotten."""

    def __init__(self) -> None:
        self._until: dict[Hashable, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def punish(self, key: Hashable, until: float) -> None:
        """Punish ``key`` until ``until``; an earlier penalty that ends later stays."""
        longer = max(until, self._until.pop(key, until))
        while len(self._until) >= MOST_REMEMBERED:
            del self._until[next(iter(self._until))]
        self._until[key] = longer

    def holds(self, key: Hashable, now: float) -> bool:
        """Tell whether ``key`` is punished now."""
        until = self._until.get(key)
        if until is None:
            return False
        if until <= now:
            del self._until[key]
            return False
        return True


@dataclass(slots=True)
class Memory:
    """What one censor keeps for one rule: chance, penalties, and a bounded table for whatever else."""

    random: random.Random
    penalties: Penalties = field(default_factory=Penalties)
    table: dict[Hashable, Any] = field(default_factory=dict)

    @classmethod
    def seeded(cls, seed: int, name: str) -> Memory:
        """Make the memory of rule ``name`` under ``seed``."""
        return cls(random.Random(f"{seed}/{name}"))  # noqa: S311 - chance that must repeat, no secrets

    def keep(self, key: Hashable, value: Any) -> None:
        """Put ``value`` into :attr:`table` within its bounds."""
        self.table.pop(key, None)
        while len(self.table) >= MOST_REMEMBERED:
            del self.table[next(iter(self.table))]
        self.table[key] = value
