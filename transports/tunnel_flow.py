"""Whether a tunnel lasts: 64 KiB down, then 16 KiB up, in packets of our own that are answered one by one.

The bytes down are counted at the socket outside, where a filter counts them; those up by the packets that were answered.
Loss is told from a cut: a packet is lost if a later one was answered; when nothing comes any more the flow was cut. It is
told from a line that drops what is too much, as well: that one loses nothing once less is sent, and has a rate.
"""

from __future__ import annotations

import math
import ssl
from typing import TYPE_CHECKING, Final, Protocol

import anyio

from circumvent.control import SUSTAIN_DOWN, SUSTAIN_UP
from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names.framing import belongs, message_id, with_id
from circumvent.net.errors import NetError, PeerError
from circumvent.net.tunnel import EchoReply
from circumvent.net.window import Window
from circumvent.transports.sustain import BEGUN, LONGEST, rate_kbps

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.net.stream import DatagramStream
    from circumvent.net.trace import OpenStep, Trace

#: The part of the packets that may be lost, as for names over UDP.
LOST_AT_MOST: Final = 0.1
#: The least number of packets that loss is judged by.
FEWEST: Final = 20
#: What ends a connection outside, where there is one.
_ENDED: Final = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
)
#: Answers after which it is looked again whether all is well.
BATCH: Final = 16
#: How often a flow that loses too much begins again more slowly, and the longest time between two packets then.
SLOWER: Final = 2
LONGEST_GAP: Final = 0.25
#: A flow may stand still for so many times what its slowest answer took, and never longer than so many seconds: what waits
#: behind a slow way up comes late.
STILL: Final = 4
LONGEST_STILL: Final = 10.0
#: More packets than this in one direction are never sent.
MOST_PACKETS: Final = 600


class Probes(Protocol):
    """Packets that are answered one by one: echoes, or questions."""

    async def send(self, size: int) -> int:
        """Send one of about ``size`` bytes, and return its number; numbers grow."""

    async def receive(self) -> EchoReply:
        """Wait for the next right answer."""


class Questions:
    """One question over and over, with another id each time."""

    def __init__(self, datagrams: DatagramStream, query: bytes) -> None:
        """Ask ``query`` over a socket of its own."""
        self._datagrams = datagrams
        self._query = query
        self._next = 0

    async def send(self, size: int) -> int:  # noqa: ARG002 - a question is as long as it is
        """Ask, and return the number of the question."""
        number = self._next & 0xFFFF
        self._next += 1
        await self._datagrams.send(with_id(self._query, number))
        return number

    async def receive(self) -> EchoReply:
        """Wait for an answer that belongs to a question."""
        while True:
            datagram = await self._datagrams.receive()
            answer = datagram.data
            if len(answer) >= 2 and message_id(answer) < self._next:
                number = message_id(answer)
                if belongs(with_id(self._query, number), answer) is None:
                    return EchoReply(number, len(self._query), datagram.arrived)


async def sustain_inside(trace: Trace, down: Probes, up: Probes, size: int, answer_size: int) -> None:
    """Move the bytes of ``sustained`` in steps ``sustain_down`` and ``sustain_up``.

    ``size`` is that of what is sent, ``answer_size`` of what comes back, in bytes.

    :raises StepFailed: when the flow was cut, stood still, was too slow or lost too much.
    """
    flow = Flow(trace)
    before = trace.bytes_received
    async with trace.step("sustain_down", limit=math.inf) as step:
        try:
            await flow.run(down, size, answer_size, lambda: SUSTAIN_DOWN - (trace.bytes_received - before))
        finally:
            trace.down_kbps = flow.note(step, trace.bytes_received - before)
    flow = Flow(trace)
    async with trace.step("sustain_up", limit=math.inf) as step:
        try:
            await flow.run(up, size, size, lambda: SUSTAIN_UP - flow.answered_bytes)
        finally:
            trace.up_kbps = flow.note(step, flow.answered_bytes)
    trace.prove(Proof.SUSTAINED)


class Flow:
    """Packets in one direction, as many at once as get through."""

    def __init__(self, trace: Trace) -> None:
        """Begin; the time starts with :meth:`run`."""
        self.answered_bytes = 0
        self._trace = trace
        self._window = Window(trace.timeouts.round_trip)
        self._sent = 0
        self._answered = 0
        self._left: dict[int, float] = {}  # what was sent and not answered yet, and when
        self._given_up: set[int] = set()
        self._slowest = 0.0
        self._slower = 0
        self._gap = 0.0  # seconds between two packets, and when the next may leave
        self._next = 0.0
        self._first: float | None = None
        self._last = 0.0

    async def run(self, probes: Probes, size: int, worth: int, missing: Callable[[], int]) -> None:
        """Send packets of ``size`` bytes until nothing is ``missing``, where each answer is ``worth`` some bytes of it.

        :raises NetError: ``truncated_after_n_bytes``, ``packet_loss`` or ``generic_timeout_error``.
        :raises OSError: what ended the connection outside before anything came.
        """
        before = self._trace.bytes_received
        try:
            await self._run(probes, size, worth, missing)
        except _ENDED as exc:
            if self._trace.bytes_received - before <= BEGUN:
                raise
            raise self._cut() from exc

    async def _run(self, probes: Probes, size: int, worth: int, missing: Callable[[], int]) -> None:
        trace = self._trace
        began = self._last = trace.clock.now()
        before = trace.bytes_received
        allowed = LOST_AT_MOST * max(missing() // worth, FEWEST)
        while (wanted := self._wanted(missing(), worth)) > 0:
            now = trace.clock.now()
            self._require_movement(now, trace.bytes_received - before)
            if now - began >= LONGEST or self._sent >= MOST_PACKETS:
                if missing() <= 0 and self._window.lost <= allowed:
                    return  # all has moved, slowly, and nothing says that too much is lost now
                raise NetError(failures.GENERIC_TIMEOUT, f"not over after {now - began:.0f} s")
            if self._window.lost > allowed:
                self._slow_down(now - began)
                allowed = LOST_AT_MOST * FEWEST
            await self._turn(probes, size, wanted)

    def _wanted(self, missing: int, worth: int) -> int:
        """Return how many answers are wanted still: after a slow-down enough to tell whether it helped."""
        wanted = missing // worth + 1 if missing > 0 else 0
        return max(wanted, FEWEST - self._window.answered) if self._slower else wanted

    def _slow_down(self, seconds: float) -> None:
        """Begin again at half the rate of what has got through: a line that drops what is too much loses nothing then.

        :raises PeerError: ``packet_loss``, when that has not helped.
        """
        if self._slower >= SLOWER:
            raise self._loss()
        self._slower += 1
        self._given_up |= self._window.missing
        self._gap = min(max(2 * self._gap, 2 * seconds / max(self._answered, 1)), LONGEST_GAP)
        self._window = Window(self._window.round_trip)

    async def _turn(self, probes: Probes, size: int, wanted: int) -> None:
        """Send and take in until so many answers came that were ``wanted``, or it is time to look what became of others.

        One scope serves many packets: its time is that of the first, and when it is up too early nothing is overdue yet.
        """
        window, clock = self._window, self._trace.clock
        due = window.due()
        now = clock.now()
        patience = window.patience if due is None else due - now
        if self._next > now and window.may_send():
            patience = min(patience, self._next - now)
        with anyio.move_on_after(max(patience, 0.0)):
            for _ in range(1 if self._gap else min(wanted, BATCH)):
                while window.may_send() and window.under_way < wanted and clock.now() >= self._next:
                    self._next = clock.now() + self._gap
                    number = await probes.send(size)
                    self._sent += 1
                    self._left[number] = clock.now()
                    window.sent(number, clock.now())
                wanted -= self._came(await probes.receive())
        window.expire(clock.now())

    def _came(self, reply: EchoReply) -> bool:
        """Take note of an answer, also to what was given up; tell whether it is a new one."""
        left = self._left.pop(reply.number, None)
        if left is None:
            return False
        self._window.came(reply.number, reply.arrived)
        self._given_up.discard(reply.number)
        self._slowest = max(self._slowest, reply.arrived - left)
        self.answered_bytes += reply.size
        self._answered += 1
        self._last = reply.arrived
        self._first = self._first or reply.arrived
        return True

    def _require_movement(self, now: float, moved: int) -> None:
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        if now - self._last < max(limit, min(STILL * self._slowest, LONGEST_STILL)):
            return
        if self._lost > LOST_AT_MOST * self._sent:
            raise self._loss()
        if moved > BEGUN:
            raise self._cut()
        raise NetError(failures.GENERIC_TIMEOUT, "nothing came back")

    def _cut(self) -> PeerError:
        self._trace.cut_bytes = count = self._trace.bytes_received
        return PeerError(failures.TRUNCATED, f"{count} bytes had come down")

    def _loss(self) -> PeerError:
        return PeerError(failures.PACKET_LOSS, f"{self._lost} of {self._sent} packets were lost")

    @property
    def _lost(self) -> int:
        return len(self._given_up) + self._window.lost

    def note(self, step: OpenStep, count: int) -> float | None:
        """Write the figures into ``step``; return the rate in kbit/s, ``None`` if nothing was answered."""
        step.detail.update(bytes=count, packets=self._sent, lost=self._lost)
        if self._first is None:
            return None
        kbps = step.detail["kbps"] = rate_kbps(count, self._last - self._first)
        return kbps
