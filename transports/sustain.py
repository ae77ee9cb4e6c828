"""Whether a path lasts: 64 KiB down, then 16 KiB up, inside one connection to the option's own endpoint.

Filters let a flow begin and cut it after some kilobytes, so the bytes are counted where the filter counts them: in the
connection that the path's dialer opened, TLS and all. Three things are kept apart:

* the bulk server does not serve (no connection to it, no TLS, another status, too few bytes): detail ``unavailable``,
  no failure, the proof stays at ``carried``;
* the flow was cut, or stands still: ``truncated_after_n_bytes`` and ``cut_bytes`` once bytes of the answer had come
  (a TLS record is 16 KiB, so a cut may show nothing of the body);
* it is slow: after LONGEST seconds ``generic_timeout_error``, with the rate so far.

A rate (kbit/s) is bytes over the seconds of the body after its first byte, but never over less than SHORTEST seconds:
what takes less was waiting in a buffer on the way, and no score asks for more than that shows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

import anyio
from anyio.abc import ByteStream

from circumvent.control import SUSTAIN_DOWN, SUSTAIN_UP
from circumvent.model import failure as failures
from circumvent.model.record import Step
from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry, NetError, PeerError, StepFailed
from circumvent.net.http_types import BodyTooLong
from circumvent.transports.inside import open_inside

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.control import Bulk
    from circumvent.net.http_types import HttpClient, Response
    from circumvent.net.stream import Dialer
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

#: Seconds that each direction may take: 64 KiB at 26 kbit/s.
LONGEST: Final = 20.0
#: Seconds below which a rate is not told: 64 KiB in 5 ms are 105 Mbit/s.
SHORTEST: Final = 0.005
#: More bytes than this since the request are the beginning of a body: heads and session tickets are smaller.
BEGUN: Final = 1024
#: A server that gives more than was asked for is read no further than this, in bytes.
MOST: Final = 4 * SUSTAIN_DOWN
#: What ends an exchange: the stream's own errors, and what is found wrong in the answer.
_ENDED: Final = (NetError, OSError, anyio.EndOfStream, anyio.BrokenResourceError)


async def sustain_through(dialer: Dialer, bulk: Bulk, context: Context) -> None:
    """Move the bytes of ``sustained`` through ``dialer`` in steps ``sustain_down`` and ``sustain_up``.

    :raises StepFailed: when the flow was cut, stood still, or was too slow.
    """
    flow = await _open(dialer, bulk, context)
    if flow is None:
        return
    try:
        await flow.run()
    finally:
        await flow.aclose()


async def sustain_on(counted: Movement, session: HttpClient, bulk: Bulk, context: Context) -> None:
    """Move the bytes of ``sustained`` over a session with the bulk server that is open, and stays so.

    :raises StepFailed: as :func:`sustain_through`.
    """
    await _Flow(counted, session, bulk, context).run()


async def _open(dialer: Dialer, bulk: Bulk, context: Context) -> _Flow | None:
    """Reach the bulk server through the path; ``None``, with the reason in the record, if it does not serve."""
    trace = context.trace
    before, t0 = trace.failure, trace.clock.now()
    try:
        counted = Counted(await dialer.stream(bulk.endpoint, trace))
        session = await open_inside(counted, bulk.down_url(SUSTAIN_DOWN), context, step="bulk_tls")
    except (StepFailed, CannotTry) as exc:
        trace.failure = before  # the path has carried; what failed is on the far side of it
        trace.add_step(
            Step(name="sustain_down", t0=t0, t=trace.clock.now(), detail={"unavailable": exc.error})
        )
        return None
    return _Flow(counted, session, bulk, context)


def rate_kbps(count: int, seconds: float) -> float:
    """Return kbit/s (1000 bit/s) for ``count`` bytes in ``seconds``.

    >>> rate_kbps(65536, 1.0)
    524.288
    """
    return round(count * 8 / 1000 / max(seconds, SHORTEST), 3)


class Movement(Protocol):
    """What counts the bytes of one connection, and calls ``on_move`` when some moved."""

    on_move: Callable[[], None] | None

    @property
    def received(self) -> int:
        """Return the bytes that came down."""

    @property
    def sent(self) -> int:
        """Return the bytes that went up."""


class Counted(ByteStream):
    """A stream that counts its bytes and tells when some moved."""

    def __init__(self, stream: ByteStream) -> None:
        """Count what goes through ``stream``."""
        self._stream = stream
        self.received = 0
        self.sent = 0
        self.on_move: Callable[[], None] | None = None

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Return the next bytes; errors are those of the stream below."""
        data = await self._stream.receive(max_bytes)
        self.received += len(data)
        self._moved()
        return data

    async def send(self, item: bytes) -> None:
        """Send ``item``; errors are those of the stream below."""
        await self._stream.send(item)
        self.sent += len(item)
        self._moved()

    async def send_eof(self) -> None:
        """End our side."""
        await self._stream.send_eof()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()

    def _moved(self) -> None:
        if self.on_move is not None:
            self.on_move()


class _Flow:
    """One connection to the bulk server, and what went through it."""

    def __init__(self, counted: Movement, session: HttpClient, bulk: Bulk, context: Context) -> None:
        self._counted = counted
        self._session = session
        self._bulk = bulk
        self._context = context
        self._trace: Trace = context.trace
        self._body = 0
        self._before = 0  # bytes that had come down when the GET left, through the path and at the socket
        self._socket_before = 0
        self._first: float | None = None
        self._last = 0.0
        self._wait = 0.0  # seconds from request to answer when nothing had to be moved first
        self._stays = True

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        await self._session.aclose()

    async def run(self) -> None:
        """Move the bytes down and up."""
        if await self.down() and await self.up():
            self._trace.prove(Proof.SUSTAINED)

    async def down(self) -> bool:
        """Bring SUSTAIN_DOWN bytes; tell whether it makes sense to go on."""
        async with self._trace.step("sustain_down", limit=math.inf) as step:
            started = self._trace.clock.now()
            self._before, self._socket_before = self._counted.received, self._trace.bytes_received
            response: Response | None = None
            try:
                response = await self._request(
                    "GET",
                    self._bulk.down_url(SUSTAIN_DOWN),
                    headers=self._bulk.down_headers(SUSTAIN_DOWN),
                )
            except BodyTooLong:
                self._stays = False
            except _ENDED as exc:
                self._cut(exc)
            finally:
                self._note_down(step)
            if response is not None:
                self._wait = response.first_byte - started
                self._stays = response.version != "HTTP/1.0" and response.header("connection") != "close"
                return self._served(step, response, self._body >= SUSTAIN_DOWN)
            step.detail["unavailable"] = "more bytes than were asked for"
        return False

    async def up(self) -> bool:
        """Send SUSTAIN_UP bytes; tell whether they arrived."""
        url = self._bulk.up_url
        async with self._trace.step("sustain_up", limit=math.inf) as step:
            if url is None or not self._stays:
                step.detail["unavailable"] = (
                    "not offered" if url is None else "the server closed the connection"
                )
                return False
            started, before = self._trace.clock.now(), self._counted.sent
            body = self._context.random.randbytes(SUSTAIN_UP)
            try:
                response = await self._request(
                    "POST", url, headers=(("content-type", "application/octet-stream"),), body=body
                )
            except _ENDED as exc:
                self._cut(exc)
            finally:
                step.detail["bytes"] = self._counted.sent - before
            # An answer may come before the body is taken (HTTP/2, HTTP/3): then nothing is shown.
            if not self._served(step, response, self._counted.sent - before >= SUSTAIN_UP):
                return False
            # The last of the bytes and the answer share a round trip; the GET's answer took one as well.
            kbps = rate_kbps(SUSTAIN_UP, response.first_byte - started - self._wait)
            self._trace.up_kbps = step.detail["kbps"] = kbps
        return True

    async def _request(
        self, method: str, url: str, *, headers: tuple[tuple[str, str], ...], body: bytes = b""
    ) -> Response:
        """Make a request that ends when it is over, when nothing moves any more, or after LONGEST seconds.

        :raises NetError: with ``truncated_after_n_bytes`` or ``generic_timeout_error``.
        """
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        still = anyio.CancelScope(deadline=anyio.current_time() + limit)

        def moved() -> None:
            still.deadline = anyio.current_time() + limit

        self._counted.on_move = moved
        try:
            with anyio.move_on_after(LONGEST), still:
                return await self._session.request(
                    method, url, headers=headers, body=body, max_body=MOST, on_bytes=self._arrived
                )
        finally:
            self._counted.on_move = None
        if still.cancelled_caught:
            raise TimeoutError
        raise TooSlow(failures.GENERIC_TIMEOUT, f"not over after {LONGEST:.0f} s")

    def _arrived(self, count: int) -> None:
        self._last = self._trace.clock.now()
        if self._first is None:
            self._first = self._last
        self._body += count
        if self._counted.on_move is not None:  # a QUIC connection tells its progress only here
            self._counted.on_move()

    def _note_down(self, step: OpenStep) -> None:
        step.detail["bytes"] = self._body
        if self._first is not None:
            kbps = rate_kbps(self._body, self._last - self._first)
            self._trace.down_kbps = step.detail["kbps"] = kbps

    def _served(self, step: OpenStep, response: Response, enough: bool) -> bool:
        """Tell whether the server did what a bulk resource does; if not, that is no fault of the path."""
        if not 200 <= response.status <= 299:
            step.detail["unavailable"] = f"status {response.status}"
        elif not enough:
            step.detail["unavailable"] = "fewer bytes than were asked for"
        else:
            return True
        self._trace.down_kbps = None if step.name == "sustain_down" else self._trace.down_kbps
        return False

    def _cut(self, exc: Exception) -> NoReturn:
        """Raise what ended the flow: a cut once the answer had begun to come down, else as it is."""
        # A record of an outer TLS that was cut in its middle comes to the socket and never through.
        begun = max(self._counted.received - self._before, self._trace.bytes_received - self._socket_before)
        received = self._before + begun
        if begun > BEGUN and not isinstance(exc, TooSlow):
            self._trace.cut_bytes = received
            raise PeerError(failures.TRUNCATED, f"{received} bytes had come down") from exc
        raise exc


class TooSlow(NetError):
    """The bytes kept moving, but not fast enough."""
