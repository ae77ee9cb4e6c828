"""How much a link loses, by packets of our own, over a while: long enough that a handover between satellites is seen.

*Questions*: small questions about the root of the DNS, over UDP, to public resolvers of two operators in turn. What is not
answered is lost; a resolver that never answers is none of the link's losses.

*Requests*, where no such question may be asked (controls given by hand) or none is answered: a control, again and again. TCP
repairs what is lost, so this sees only what stands still: for each second without an answer, all that was due is lost.

Step ``loss``: ``method`` (``questions``, ``requests``), ``seconds``, ``sent``, ``lost``, ``loss`` (a share), ``slow`` (answers that
took more than twice the median, as over a handover that TCP repairs), ``rtt_ms`` (the median), ``max_ms``; or ``unavailable``.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint
from circumvent.names import facts
from circumvent.net.errors import CannotTry, NetError, StepFailed
from circumvent.transports.inside import GLANCE, fetch_control, open_inside

if TYPE_CHECKING:
    from circumvent.net.http import HttpSession
    from circumvent.net.stream import DatagramStream, Dialer
    from circumvent.transport import Context

#: Operators whose resolvers are asked.
MOST: Final = 2
#: Seconds between two questions, so that a handover of 0.15 s meets one, and between two requests; short watches have at least
#: so many of them.
QUESTION_PACE: Final = 0.125
REQUEST_PACE: Final = 0.25
LEAST: Final = 20
#: An answer is slow that takes so many times the median, and so many seconds more.
SLOW_TIMES, SLOW_SECONDS = 2.0, 0.05
#: Seconds after which a packet is lost, or four round trips if that is more.
LATE: Final = 1.0
#: So many questions without any answer: nobody answers them here.
SILENCE: Final = 24
#: Requests end after so many bytes: a control may be a whole page.
MOST_BYTES: Final = 128 * 1024
#: A larger share of lost packets is no link that lasts (as with questions to a resolver).
LOST_AT_MOST: Final = 0.1
_DNS_PORT: Final = 53
#: ``. SOA IN``, after the id: asked of everybody all day long, and the answer is as short.
_QUESTION: Final = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x06\x00\x01"
_ENDED: Final = (
    NetError,
    OSError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
)


@dataclass(slots=True)
class Count:
    """What was sent and came back, and the seconds that each answer took."""

    sent: int = 0
    times: list[float] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Return how many had no answer."""
        return self.sent - len(self.times)


async def watch_loss(dialer: Dialer, context: Context) -> bool:
    """Send packets through ``dialer`` for ``context.watch`` seconds, in a step ``loss``; tell whether that showed anything.

    :raises StepFailed: with ``packet_loss`` when more than a tenth was lost.
    """
    trace = context.trace
    before, place, began = trace.failure, (trace.address, trace.family), trace.clock.now()
    try:
        async with trace.step("loss", limit=math.inf) as step:
            method, count = "questions", Count()
            if not context.controls.by_hand:
                count = await _by_questions(dialer, context)
            if not count.times:
                left = max(context.watch - (trace.clock.now() - began), context.watch / 2)
                method, count = "requests", await _by_requests(dialer, context, left)
            trace.failure = before  # what a single packet met on the way
            if not count.sent:
                step.detail["unavailable"] = "nothing could be sent"
                return False
            share = count.lost / count.sent
            middle, slow, longest = _times(count)
            step.detail.update(
                method=method,
                seconds=round(trace.clock.now() - began, 1),
                sent=count.sent,
                lost=count.lost,
                loss=round(share, 3),
                slow=slow,
                rtt_ms=middle,
                max_ms=longest,
            )
            if share > LOST_AT_MOST:
                raise NetError(failures.PACKET_LOSS, f"{count.lost} of {count.sent} lost")
            return True
        raise AssertionError  # pragma: no cover - a step that fails raises
    finally:
        trace.address, trace.family = place


def _times(count: Count) -> tuple[float | None, int, float | None]:
    """Return the median in milliseconds, how many answers were slow, and the longest."""
    if not count.times:
        return None, 0, None
    times = sorted(count.times)
    middle = times[(len(times) - 1) // 2]
    bound = max(SLOW_TIMES * middle, middle + SLOW_SECONDS)
    return round(middle * 1000, 1), sum(one > bound for one in times), round(times[-1] * 1000, 1)


def _late(context: Context) -> float:
    return max(LATE, 4 * (context.trace.timeouts.round_trip or 0.0))


class _Resolver:
    """A resolver that is asked, what it has not answered yet, and what came of it."""

    def __init__(self, socket: DatagramStream, context: Context) -> None:
        self.socket = socket
        self.count = Count()
        self._context = context
        self._waiting: dict[int, float] = {}
        self._settled = anyio.Event()

    async def ask(self) -> None:
        """Send a question."""
        number = self._context.random.randrange(1 << 16)
        self._waiting[number] = self._context.trace.clock.now()
        self.count.sent += 1
        with suppress(*_ENDED):  # it stays without an answer, then
            await self.socket.send(number.to_bytes(2, "big") + _QUESTION)

    async def listen(self) -> None:
        """Take in answers until cancelled; what is no answer to us is passed over."""
        while True:
            try:
                answer = await self.socket.receive()
            except (anyio.ClosedResourceError, anyio.EndOfStream):
                return
            except OSError:  # where nobody listens, each packet may be told so
                continue
            number = int.from_bytes(answer.data[:2], "big")
            if len(answer.data) >= 12 and answer.data[2] & 0x80 and number in self._waiting:
                self.count.times.append(max(answer.arrived - self._waiting.pop(number), 0.0))
            if not self._waiting:
                self._settled.set()

    async def settled(self) -> None:
        """Wait until every question has its answer."""
        self._settled = anyio.Event()
        if self._waiting:
            await self._settled.wait()


async def _by_questions(dialer: Dialer, context: Context) -> Count:
    """Ask resolvers in turn; count those that answered at all."""
    resolvers = [_Resolver(socket, context) for socket in await _sockets(dialer, context)]
    pace = min(QUESTION_PACE, context.watch / LEAST)
    try:
        async with anyio.create_task_group() as group:
            for resolver in resolvers:
                group.start_soon(resolver.listen)
            for number in range(math.ceil(context.watch / pace) if resolvers else 0):
                if number == SILENCE and not any(one.count.times for one in resolvers):
                    break
                await resolvers[number % len(resolvers)].ask()
                await anyio.sleep(pace)
            with anyio.move_on_after(_late(context)):
                for resolver in resolvers:
                    if resolver.count.times:
                        await resolver.settled()
            group.cancel_scope.cancel()
    finally:
        for resolver in resolvers:
            await resolver.socket.aclose()
    answering = [one.count for one in resolvers if one.count.times]
    return Count(
        sent=sum(count.sent for count in answering), times=[one for count in answering for one in count.times]
    )


async def _sockets(dialer: Dialer, context: Context) -> list[DatagramStream]:
    """Open a socket to a resolver of each of some operators, as far as they can be reached."""
    given = context.names.resolvers
    opened: list[DatagramStream] = []
    for operator in facts.load().resolvers if given is None else given:
        for address in operator:
            try:
                opened.append(await dialer.datagram(Endpoint(host=address, port=_DNS_PORT), context.trace))
            except (StepFailed, CannotTry):
                continue
            break
        if len(opened) == MOST:
            break
    return opened


# Requests


async def _by_requests(dialer: Dialer, context: Context, seconds: float) -> Count:
    """Fetch a control again and again; what stands still for a time loses all that was due in it."""
    trace, count = context.trace, Count()
    pace = min(REQUEST_PACE, seconds / LEAST)
    end = trace.clock.now() + seconds
    session: HttpSession | None = None
    try:
        before = trace.bytes_received
        while (began := trace.clock.now()) < end and trace.bytes_received - before < MOST_BYTES:
            busy = trace.timeouts.lost
            came = False
            with anyio.move_on_after(_late(context) * (1 if session is not None else 3)):
                try:
                    session = session or await _session(dialer, context)
                    sent = trace.clock.now()
                    keep = await _fetch(session, context)
                    count.times.append(trace.clock.now() - sent)
                    came = True
                except (*_ENDED, StepFailed, CannotTry):
                    keep = False
            took = trace.clock.now() - began
            count.sent += 1 if came else max(1, round((took - (trace.timeouts.lost - busy)) / pace))
            if session is not None and not (came and keep):
                await session.aclose()
                session = None
            await anyio.sleep(max(pace - took, 0.0) if came else pace)
    finally:
        if session is not None:
            await session.aclose()
    return count


async def _session(dialer: Dialer, context: Context) -> HttpSession:
    control = context.controls.at_once[0]
    stream = await dialer.stream(control.endpoint, context.trace)
    return await open_inside(stream, control.fresh(context.random).url, context, step="control_tls")


async def _fetch(session: HttpSession, context: Context) -> bool:
    """Fetch the control, whatever the server says to that; tell whether the connection serves another request."""
    response = await fetch_control(session, context.controls.at_once[0].fresh(context.random))
    whole = len(response.body) < GLANCE
    return whole and response.version != "HTTP/1.0" and response.header("connection") != "close"
