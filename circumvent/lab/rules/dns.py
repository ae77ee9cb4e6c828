"""DNS: the trigger on a question, and the action that answers it in the resolver's name.

With ``Blocking(lasts=0)``: each query is judged for itself. Racing the true answer is ``ForgeAnswer(drop=False)``: the
query goes on, and the forged answer wins because it has the shorter way. Over TCP the forged answer ends the connection, as
what the resolver says afterwards has no place in it any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.actions import conclude
from circumvent.lab.blocking import Judgement
from circumvent.lab.dns import TYPES, Question, ResponseCode, forge_answer, read_question
from circumvent.lab.flow import UP
from circumvent.lab.names import Names  # noqa: TC001 - scenario files are read by the types of fields
from circumvent.lab.packet import HOP_LIMIT, TCP, UDP, build_udp
from circumvent.lab.rule import DROPPED, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        """Read the questions that are complete with this packet."""
        return Judgement.YES if any(map(self._means, questions_of(sight))) else Judgement.NO

    def _means(self, question: Question) -> bool:
        if self.types and question.kind not in {TYPES[name] for name in self.types}:
            return False
        return self.names is None or question.name in self.names


@dataclass(slots=True)
class _Messages:
    """How far a TCP stream was read; ``questions`` became complete with packet number ``at``."""

    read: int = 0
    at: int = 0
    questions: tuple[Question, ...] = ()


def questions_of(sight: Sight) -> tuple[Question, ...]:
    """Return the questions that the client has asked once this packet is there: one over UDP, several over TCP.

    Messages of a stream have their length before them (RFC 1035, section 4.2.2). Order and cuts of segments don't matter.
    """
    packet, flow = sight.packet, sight.flow
    if sight.direction is not UP or not packet.payload_length:
        return ()
    if packet.protocol == UDP:
        question = read_question(packet.payload)
        return () if question is None else (question,)
    if flow.up.stream is None:
        return ()
    messages: _Messages = flow.readings.setdefault("dns", _Messages())
    if messages.at != flow.up.packets:
        messages.at = flow.up.packets
        messages.questions = tuple(_complete(messages, flow.up.stream.data))
    return messages.questions


def _complete(messages: _Messages, data: bytearray) -> Iterator[Question]:
    while len(data) - messages.read > 2:
        begin = messages.read + 2
        end = begin + int.from_bytes(data[begin - 2 : begin])
        if len(data) < end:
            return
        messages.read = end
        question = read_question(bytes(data[begin:end]))
        if question is not None:
            yield question


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeAnswer:
    """Answer a query in the resolver's name.

    Of ``addresses`` each answer has one of the family that was asked for, drawn at random, and none if there is none
    of that family. ``copies`` answers are sent (over TCP one, with the end of the connection). ``drop`` stops the query, so
    that the true answer never comes.
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
        """Answer; what is no query is dropped or let pass."""
        packet = sight.packet
        questions = questions_of(sight)
        if packet.protocol == TCP:
            return self._end(sight, questions, memory)
        if not questions:
            return DROPPED if self.drop else None
        answers = tuple(
            build_udp(
                packet.receiver,
                packet.sender,
                self._answer(questions[0], memory),
                hop_limit=self.hop_limit,
                identification=self.identification,
            )
            for _ in range(self.copies)
        )
        return Verdict(drop=self.drop, to_client=answers)

    def _end(self, sight: Sight, questions: tuple[Question, ...], memory: Memory) -> Verdict | None:
        """Answer the last question, and close; what the client still sends comes to nothing, if the query did."""
        if not questions:
            if not self.drop:
                return None
            return DROPPED if sight.packet.payload_length else conclude(sight, b"")
        message = self._answer(questions[-1], memory)
        verdict = conclude(
            sight,
            len(message).to_bytes(2) + message,
            hop_limit=self.hop_limit,
            identification=self.identification,
        )
        return Verdict(drop=self.drop, to_client=verdict.to_client)

    def _answer(self, question: Question, memory: Memory) -> bytes:
        family = [each for each in self.addresses if (":" in each) is (question.kind == TYPES["AAAA"])]
        return forge_answer(
            question,
            addresses=(memory.random.choice(family),) if family else (),
            code=self.code,
            lifetime=self.lifetime,
            authoritative=self.authoritative,
        )
