"""Triggers on amounts: a flow that has carried too much, and a client that opens too many connections."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import UP, Direction
from circumvent.lab.rules.tls import ANY_HELLO, HelloWanted
from circumvent.lab.tls import hello_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from circumvent.lab.rule import Memory, Sight

#: How many recent connections are counted at most.
_MOST_COUNTED: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """A flow has carried more than ``payload`` bytes, or more than ``packets`` packets, or is older than ``seconds``.

    Bytes and packets are those of ``direction``, both if ``None``. The packet that exceeds the amount is the first to
    be condemned. In Russia connections to foreign hosting freeze after 16 to 20 KB from the server
    (net4people/bbs #490).
    """

    payload: int | None = None
    packets: int | None = None
    seconds: float | None = None
    direction: Direction | None = None

    def __post_init__(self) -> None:
        if self.payload is None and self.packets is None and self.seconds is None:
            raise ValueError("an amount of what?")

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Compare the flow's counters."""
        flow = sight.flow
        sides = (flow.up, flow.down) if self.direction is None else (flow.side(self.direction),)
        exceeded = (
            (self.payload is not None and sum(side.payload for side in sides) > self.payload)
            or (self.packets is not None and sum(side.packets for side in sides) > self.packets)
            or (self.seconds is not None and sight.now - flow.opened > self.seconds)
        )
        return Judgement.YES if exceeded else Judgement.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class TooManyConnections:
    """More than ``limit`` ClientHellos within ``seconds`` from one client to one /24 (/48), alike in name and JA4.

    From then on all of these are condemned for ``freeze`` seconds. Reported from Russia since 2025 (net4people/bbs
    #546). ``by_name`` and ``by_fingerprint`` tell what must be alike beside the addresses.
    """

    limit: int
    seconds: float = 60.0
    freeze: float = 60.0
    by_name: bool = True
    by_fingerprint: bool = True
    wanted: HelloWanted = ANY_HELLO

    def __post_init__(self) -> None:
        if not 1 <= self.limit < _MOST_COUNTED:
            raise ValueError(f"a limit lies between 1 and {_MOST_COUNTED - 1}")

    def judge(self, sight: Sight, memory: Memory) -> Judgement:
        """Count the ClientHello, once."""
        if sight.direction is not UP or not sight.fresh:
            return Judgement.NO
        hello = hello_of(sight, reassemble=True, join_records=True)
        if isinstance(hello, bool):
            return Judgement.NEVER if hello else Judgement.NO
        if not hello.complete:
            return Judgement.NO
        if self.wanted.judge(hello) is not Judgement.YES:
            return Judgement.NEVER
        server = sight.flow.key.server
        key: Hashable = (
            sight.flow.key.client,
            server[:3] if len(server) == 4 else server[:6],
            hello.name if self.by_name else None,
            hello.ja4() if self.by_fingerprint else None,
        )
        if memory.penalties.holds(key, sight.now):
            return Judgement.YES
        times = memory.table.get(key)
        if times is None:
            times = deque(maxlen=_MOST_COUNTED)
        times.append(sight.now)
        memory.keep(key, times)
        while times[0] < sight.now - self.seconds:
            times.popleft()
        if len(times) <= self.limit:
            return Judgement.NEVER
        memory.penalties.punish(key, sight.now + self.freeze)
        return Judgement.YES
