"""Ask questions over one session, and keep what a step has to know of each answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names.framing import Arrived, belongs, with_id
from circumvent.names.message import Answer, Query, make_query, read_answer
from circumvent.names.plan import CLEAR_KINDS
from circumvent.names.session import StreamFallback
from circumvent.net.errors import NetError
from circumvent.net.failure import translate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from circumvent.model.option import Option
    from circumvent.names.session import NamesSession
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

T = TypeVar("T")

#: Seconds after which a question in a datagram is asked again, each time since the one before.
REPEAT_AFTER: Final = (0.8, 1.2)
#: The part of the step's time limit that one question may take.
PATIENCE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask: a name, a type, and how."""

    name: str
    rdtype: str = "A"
    rdclass: str = "IN"
    checking: bool = True
    nsid: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What became of a question: an answer, or the error in place of one. ``arrived`` is in clock seconds."""

    question: Question
    arrived: float
    seconds: float
    answer: Answer | None = None
    failure: Exception | None = None

    @property
    def word(self) -> str:
        """Return the response code, or the failure string where no answer came."""
        if self.answer is not None:
            return self.answer.rcode
        return translate(self.failure, "carry").error if self.failure else failures.GENERIC_TIMEOUT


class Asker:
    """Asks over one session: repeats what datagrams lost, raises the proof, remembers the longest answer."""

    def __init__(self, session: NamesSession, option: Option, context: Context, *, datagram: bool) -> None:
        self.session = session
        self.option = option
        self.context = context
        self.datagram = datagram
        self.longest: tuple[int, Question] | None = None
        self._timed = False

    @property
    def trace(self) -> Trace:
        """Return the record of the attempt."""
        return self.context.trace

    @property
    def patience(self) -> float:
        """Return how long one question may take, in seconds: less than its step, which is to tell about it."""
        limit = self.trace.timeouts.limit if self.trace.limit is None else self.trace.limit
        return PATIENCE * limit

    async def ask(self, question: Question) -> Reply:
        """Ask until an answer belongs to the question.

        :raises PeerError: when what came back is no answer to it.
        :raises Exception: whatever the session raised.
        """
        if not self.datagram:
            return await self.once(question)
        reply: Reply | None = None
        failure: Exception | None = None

        async def one() -> None:
            nonlocal reply, failure
            try:
                reply = await self.once(question)
            except Exception as exc:  # noqa: BLE001 - raised again below, out of the group and unwrapped
                failure = exc
            group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            for pause in REPEAT_AFTER:
                await anyio.sleep(pause)
                group.start_soon(one)
        if reply is not None:
            return reply
        raise failure if failure is not None else NetError(failures.GENERIC_TIMEOUT)

    async def once(self, question: Question) -> Reply:
        """Ask once, without a repeat.

        :raises Exception: as :meth:`ask`.
        """
        query = self._query(question)
        began = self.trace.clock.now()
        wire = await self.session.query(query.wire)
        reply = self._accept(question, query, wire, began)
        if reply.answer is not None and reply.answer.truncated and isinstance(self.session, StreamFallback):
            wire = await self.session.query_over_stream(query.wire)
            reply = self._accept(question, query, wire, began)
        return reply

    def again(self, question: Question) -> Callable[[], Awaitable[int]]:
        """Return what asks one question many times over, and returns the length of each answer.

        The question is made once, with another id each time, and of an answer only head and question are looked at:
        reading some hundred answers in full would take long enough to make other options look slow.
        """
        query = self._query(question)

        async def ask() -> int:
            message = with_id(query.wire, self.context.random.getrandbits(16))
            answer = await self.session.query(message)
            if (problem := belongs(message, answer)) is not None:
                raise problem
            return len(answer)

        return ask

    async def all(self, questions: Sequence[Question], *, limit: float | None = None) -> list[Reply]:
        """Ask several at once; an error becomes part of its reply. ``limit`` in seconds bounds each."""
        return await gather([self._safely(question, limit) for question in questions])

    def _safely(self, question: Question, limit: float | None) -> Callable[[], Awaitable[Reply]]:
        async def run() -> Reply:
            began = self.trace.clock.now()
            failure: Exception = NetError(failures.GENERIC_TIMEOUT)
            with anyio.move_on_after(limit):
                try:
                    return await self.ask(question)
                except Exception as exc:  # noqa: BLE001 - kept in the reply; the step decides what it means
                    failure = exc
            now = self.trace.clock.now()
            return Reply(question=question, arrived=now, seconds=now - began, failure=failure)

        return run

    def _query(self, question: Question) -> Query:
        return make_query(
            question.name,
            question.rdtype,
            rdclass=question.rdclass,
            random=self.context.random,
            checking=question.checking,
            nsid=question.nsid,
            padded=self.option.kind not in CLEAR_KINDS,
        )

    def _accept(self, question: Question, query: Query, wire: bytes, began: float) -> Reply:
        arrived = wire.arrived if isinstance(wire, Arrived) else self.trace.clock.now()
        self.trace.prove(Proof.REACHED)
        answer = read_answer(query, wire)
        self.trace.prove(Proof.HANDSHAKEN)
        if not self._timed:
            self._timed = True
            self.trace.round_trip(arrived - began)
        if question.rdclass == "IN" and (self.longest is None or answer.size > self.longest[0]):
            self.longest = (answer.size, question)
        return Reply(question=question, arrived=arrived, seconds=arrived - began, answer=answer)


async def gather(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Run ``calls`` at once and return their results in order; they must not raise."""
    results: dict[int, T] = {}

    async def run(index: int, call: Callable[[], Awaitable[T]]) -> None:
        results[index] = await call()

    async with anyio.create_task_group() as group:
        for index, call in enumerate(calls):
            group.start_soon(run, index, call)
    return [results[index] for index in range(len(calls))]
