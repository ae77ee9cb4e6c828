"""Triggers that look at no content: every packet, a SYN, a SYN/ACK. With a scope they are blocks of endpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.blocking import Judgement
from circumvent.lab.flow import UP, Direction
from circumvent.lab.packet import ACK, RST, SYN, TCP

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyPacket:
    """Everything in the scope, from the first packet on."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Condemn."""
        return Judgement.YES


@dataclass(frozen=True, slots=True, kw_only=True)
class Syn:
    """A TCP connection is being opened."""

    direction: Direction = UP

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the flags."""
        if sight.packet.protocol != TCP:
            return Judgement.NEVER
        opening = sight.packet.flags & (SYN | ACK | RST) == SYN and sight.direction is self.direction
        return Judgement.YES if opening else Judgement.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class SynAck:
    """A TCP connection is being accepted."""

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Look at the flags."""
        if sight.packet.protocol != TCP:
            return Judgement.NEVER
        return Judgement.YES if sight.packet.flags & (SYN | ACK) == SYN | ACK else Judgement.NO
