"""DNS: the trigger on a question, and the action that answers it in the resolver's name.

With ``Blocking(lasts=0)``: each query is judged for itself. Racing the true answer is ``ForgeAnswer(drop=False)``: the
query goes on, and the forged answer wins because it has the shorter way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.blocking import Judgement
from circumvent.lab.dns import TYPES, Question, ResponseCode, forge_answer, read_question
from circumvent.lab.flow import DOWN, UP
from circumvent.lab.names import Names  # noqa: TC001 - scenario files are read by the types of fields
from circumvent.lab.packet import HOP_LIMIT, TCP, UDP, build_udp
from circumvent.lab.rule import DROPPED, Verdict

if TYPE_CHECKING:
    from circumvent.lab.rule import Memory, Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsQuestion:
    """A query for a listed name, over UDP or at the start of a TCP stream; any name if ``names`` is ``None``.

    ``types`` are those of :data:`circumvent.lab.dns.TYPES`, any if empty.
    """

    names: Names | None = None
    types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if unknown := set(self.types) - TYPES.keys():
            raise ValueError(f"unknown record types: {sorted(unknown)}")

    def judge(self, sight: Sight, memory: Memory) -> Judgement:  # noqa: ARG002 - part of Trigger
        """Read the question."""
        question = question_of(sight)
        if question is None:
            return Judgement.NO
        if self.types and question.kind not in {TYPES[name] for name in self.types}:
            return Judgement.NO
        return Judgement.YES if self.names is None or question.name in self.names else Judgement.NO


def question_of(sight: Sight) -> Question | None:
    """Return the question that the client asks with this packet."""
    packet, stream = sight.packet, sight.flow.up.stream
    if sight.direction is not UP or not packet.payload_length:
        return None
    if packet.protocol == UDP:
        return read_question(packet.payload)
    if packet.protocol == TCP and stream is not None and sight.fresh:
        return read_question(bytes(stream.data[2 : 2 + int.from_bytes(stream.data[:2])]))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeAnswer:
    """Answer a query over UDP in the resolver's name.

    Of ``addresses`` each answer has one of the family that was asked for, drawn at random, and none if there is none
    of that family. ``copies`` answers are sent. ``drop`` stops the query, so that the true answer never comes.
    """

    addresses: tuple[str, ...] = ()
    code: ResponseCode = ResponseCode.NOERROR
    drop: bool = True
    copies: int = 1
    lifetime: int = 300
    authoritative: bool = False
    hop_limit: int = HOP_LIMIT
    identification: int = 0

    def act(self, sight: Sight, memory: Memory, count: int) -> Verdict | None:  # noqa: ARG002 - part of Action
        """Answer; what is no query over UDP is dropped or let pass."""
        question = question_of(sight)
        if question is None or sight.packet.protocol != UDP or sight.direction is DOWN:
            return DROPPED if self.drop else None
        answers = []
        for _ in range(self.copies):
            family = [each for each in self.addresses if (":" in each) is (question.kind == TYPES["AAAA"])]
            message = forge_answer(
                question,
                addresses=(memory.random.choice(family),) if family else (),
                code=self.code,
                lifetime=self.lifetime,
                authoritative=self.authoritative,
            )
            packet = sight.packet
            answers.append(
                build_udp(
                    packet.receiver,
                    packet.sender,
                    message,
                    hop_limit=self.hop_limit,
                    identification=self.identification,
                )
            )
        return Verdict(drop=self.drop, to_client=tuple(answers))
