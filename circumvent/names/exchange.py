"""Questions and answers over one stream or one UDP socket, told apart by their ids.

There is no task in the background: whoever waits for an answer reads for everybody, and hands the reading on when
its own answer has come (RFC 7766 section 6.2.1.1: questions are pipelined, answers come in any order).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names.framing import Arrived, Deframer, belongs, frame, message_id, with_id
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from circumvent.net.stream import ByteStream, DatagramStream
    from circumvent.net.trace import Trace

#: Bytes read from a stream in one go.
CHUNK: Final = 16_384
#: Seconds that a right answer may still take after one came over UDP that belongs to no question.
STRAY_PATIENCE: Final = 1.0
#: Further answers to questions that were answered already, and strays, that are kept.
MOST_KEPT: Final = 32
#: Answers that nobody waits for any more are no error on a stream: this many ids of given-up questions are known.
MOST_GIVEN_UP: Final = 1024


@dataclass(slots=True)
class _Waiting:
    query: bytes
    answer: Arrived | None = None
    failure: Exception | None = None
    #: What came in place of an answer, over UDP, and how long a right one may still take (event loop time).
    stray: Exception | None = None
    patience: float = math.inf
    wake: anyio.Event = field(default_factory=anyio.Event)

    @property
    def done(self) -> bool:
        return self.answer is not None or self.failure is not None


class _Link(Protocol):
    """What an exchange stands on."""

    async def send(self, message: bytes) -> None:
        """Send one message."""

    async def receive(self) -> list[Arrived]:
        """Wait for messages."""


class _Exchange(ABC):
    """The part that streams and datagrams share."""

    def __init__(self, link: _Link) -> None:
        self._link = link
        self._waiting: dict[int, _Waiting] = {}
        self._reading = False

    async def query(self, message: bytes) -> bytes:
        """Send a question and return the answer with its id; see :class:`circumvent.names.session.NamesSession`."""
        identifier = self._free_id(message_id(message))
        waiting = _Waiting(with_id(message, identifier))
        self._waiting[identifier] = waiting
        try:
            await self._link.send(waiting.query)
            await self._wait(waiting)
        finally:
            del self._waiting[identifier]
            self._forget(identifier, waiting)
            self._hand_on()
        if waiting.answer is None:
            raise waiting.failure or anyio.EndOfStream
        return Arrived(with_id(waiting.answer, message_id(message)), waiting.answer.arrived)

    async def _wait(self, waiting: _Waiting) -> None:
        while not waiting.done:
            await self._turn(waiting)

    async def _turn(self, waiting: _Waiting) -> None:
        """Read for everybody, or wait for who does."""
        if self._reading:
            waiting.wake = anyio.Event()
            await waiting.wake.wait()
        else:
            await self._read()

    async def _read(self) -> None:
        self._reading = True
        try:
            for message in await self._link.receive():
                self._deliver(message)
        except Exception as exc:  # noqa: BLE001 - it concerns everybody who waits, and is raised there
            self._fail(exc)
        finally:
            self._reading = False

    @abstractmethod
    def _deliver(self, message: Arrived) -> None:
        """Hand a message to whoever waits for it."""

    def _forget(self, identifier: int, waiting: _Waiting) -> None:  # noqa: B027 - datagrams have nothing to forget
        """A question is over, answered or not."""

    def _fail(self, failure: Exception) -> None:
        for waiting in self._waiting.values():
            if not waiting.done:
                waiting.failure = failure
                waiting.wake.set()

    def _hand_on(self) -> None:
        """Wake one that still waits, so that somebody reads."""
        for waiting in self._waiting.values():
            if not waiting.done:
                waiting.wake.set()
                return

    def _free_id(self, wanted: int) -> int:
        while wanted in self._waiting:
            wanted = (wanted + 1) & 0xFFFF
        return wanted


class StreamExchange(_Exchange):
    """DNS over TCP or TLS: a :class:`~circumvent.names.session.NamesSession` over one stream.

    ``proof`` is what the first byte that comes back proves: over TCP only ``reached``; inside verified TLS
    ``handshaken``, because a server that refuses us says so only after our half of the handshake.
    """

    def __init__(self, stream: ByteStream, trace: Trace, proof: Proof) -> None:
        super().__init__(_StreamLink(stream, trace, proof))
        self._given_up: set[int] = set()

    def _deliver(self, message: Arrived) -> None:
        identifier = message_id(message)
        waiting = self._waiting.get(identifier)
        if waiting is None:
            if identifier not in self._given_up:
                raise PeerError(failures.DNS_WRONG_QUERY_ID)
            return
        waiting.failure = belongs(waiting.query, message)
        if waiting.failure is None:
            waiting.answer = message
        waiting.wake.set()

    def _forget(self, identifier: int, waiting: _Waiting) -> None:
        if not waiting.done and len(self._given_up) < MOST_GIVEN_UP:
            self._given_up.add(identifier)


class _StreamLink:
    def __init__(self, stream: ByteStream, trace: Trace, proof: Proof) -> None:
        self._stream = stream
        self._trace = trace
        self._proof = proof
        self._deframer = Deframer()
        self._sending = anyio.Lock()

    async def send(self, message: bytes) -> None:
        async with self._sending:
            await self._stream.send(frame(message))

    async def receive(self) -> list[Arrived]:
        try:
            data = await self._stream.receive(CHUNK)
        except anyio.EndOfStream:
            if self._deframer.partial:
                raise PeerError(failures.TRUNCATED, f"{self._deframer.partial} bytes of an answer") from None
            raise
        self._trace.prove(self._proof)
        now = self._trace.clock.now()
        return [Arrived(message, now) for message in self._deframer.feed(data)]


@dataclass(frozen=True, slots=True)
class Second:
    """A further answer to a question that had one: a duplicate, or the trace of an injection."""

    query: bytes
    first: Arrived
    second: Arrived


class DatagramExchange(_Exchange):
    """Plain DNS over UDP: a :class:`~circumvent.names.session.NamesSession` over one socket.

    Whatever belongs to no question is counted and passed over, because anybody can send a datagram; only if
    nothing right follows within a second does it become the failure. Further answers are kept in ``seconds``.
    """

    def __init__(self, datagrams: DatagramStream, trace: Trace) -> None:
        super().__init__(_DatagramLink(datagrams, trace))
        self._answered: dict[int, tuple[bytes, Arrived]] = {}
        self.strays = 0
        self.seconds: list[Second] = []

    @property
    def answered(self) -> bool:
        """Tell whether anything came back at all."""
        return bool(self._answered or self.strays)

    async def listen(self, seconds: float) -> None:
        """Listen for further answers."""
        with anyio.move_on_after(seconds):
            while True:
                try:
                    for message in await self._link.receive():
                        self._deliver(message)
                except OSError:
                    # An ICMP error for a question of before says nothing new.
                    continue

    async def _wait(self, waiting: _Waiting) -> None:
        while not waiting.done:
            with anyio.CancelScope(deadline=waiting.patience) as scope:
                await self._turn(waiting)
            if scope.cancelled_caught and not waiting.done:
                waiting.failure = waiting.stray

    def _deliver(self, message: Arrived) -> None:
        identifier = message_id(message) if len(message) >= 2 else -1
        waiting = self._waiting.get(identifier)
        if waiting is not None and not waiting.done:
            problem = belongs(waiting.query, message)
            if problem is None:
                waiting.answer = message
                self._answered[identifier] = (waiting.query, message)
                waiting.wake.set()
                return
        elif identifier in self._answered:
            query, first = self._answered[identifier]
            problem = belongs(query, message)
            if problem is None:
                if len(self.seconds) < MOST_KEPT:
                    self.seconds.append(Second(query, first, message))
                return
        else:
            problem = PeerError(failures.DNS_WRONG_QUERY_ID)
        self._note_stray(problem)

    def _note_stray(self, problem: PeerError) -> None:
        self.strays += 1
        for waiting in self._waiting.values():
            if waiting.stray is None:
                waiting.stray, waiting.patience = problem, anyio.current_time() + STRAY_PATIENCE
            waiting.wake.set()

    def _free_id(self, wanted: int) -> int:
        while wanted in self._waiting or wanted in self._answered:
            wanted = (wanted + 1) & 0xFFFF
        return wanted


class _DatagramLink:
    def __init__(self, datagrams: DatagramStream, trace: Trace) -> None:
        self._datagrams = datagrams
        self._trace = trace

    async def send(self, message: bytes) -> None:
        await self._datagrams.send(message)

    async def receive(self) -> list[Arrived]:
        datagram = await self._datagrams.receive()
        self._trace.prove(Proof.REACHED)
        return [Arrived(datagram.data, datagram.arrived)]
