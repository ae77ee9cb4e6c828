"""Plain DNS over UDP and TCP (RFC 1035, RFC 7766): the baseline that encrypted resolvers are held against.

In the first phase only names that are no trigger are asked: a fresh one, the control, who answers. Canary names
go over plain DNS in the second phase alone (:meth:`DnsPlain.trigger`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.words import Proof
from circumvent.names.exchange import DatagramExchange, StreamExchange
from circumvent.names.probe import probe_canaries, probe_names
from circumvent.net.errors import StepFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.model.option import Option
    from circumvent.net.stream import DatagramStream
    from circumvent.transport import Context

    Probe = Callable[..., Awaitable[None]]

#: Seconds in which a second answer to a question over UDP is waited for: an injected answer comes first, the
#: resolver's own follows. No part of the latency.
LATE_ANSWERS: Final = 0.5


class DnsPlain:
    """Tries resolvers of the kinds ``dns-udp`` and ``dns-tcp``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Probe the resolver up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        await _run(option, context, probe_names)

    async def trigger(self, option: Option, context: Context) -> None:
        """Ask the canary names in clear.

        :raises StepFailed: when nothing was answered.
        :raises CannotTry: when nothing was sent.
        """
        await _run(option, context, probe_canaries)


async def _run(option: Option, context: Context, probe: Probe) -> None:
    if option.kind == "dns-tcp":
        stream = await context.dialer.stream(option.endpoint, context.trace)
        try:
            exchange = StreamExchange(stream, context.trace, Proof.REACHED)
            await probe(exchange, option, context, datagram=False)
        finally:
            await stream.aclose()
        return
    datagrams = await context.dialer.datagram(option.endpoint, context.trace)
    session = UdpSession(datagrams, option, context)
    try:
        try:
            await probe(session, option, context, datagram=True)
        except StepFailed:
            # What failed may have been an injected answer: the resolver's own is the evidence then.
            await session.late_answers()
            raise
        await session.late_answers()
    finally:
        await session.aclose()


class UdpSession:
    """A resolver behind a UDP socket, and behind TCP where an answer was too long for a datagram."""

    def __init__(self, datagrams: DatagramStream, option: Option, context: Context) -> None:
        self._datagrams = datagrams
        self._option = option
        self._context = context
        self._exchange = DatagramExchange(datagrams, context.trace)
        self._over_tcp: StreamExchange | None = None
        self._close_tcp: Callable[[], Awaitable[None]] | None = None
        self._opening = anyio.Lock()

    async def query(self, message: bytes) -> bytes:
        """Send one DNS message and return its answer.

        :raises PeerError: when only answers came that belong to no question.
        :raises OSError: as the system raises it.
        """
        return await self._exchange.query(message)

    async def query_over_stream(self, message: bytes) -> bytes:
        """Ask again over TCP, at the same address and port (RFC 7766 section 5).

        :raises StepFailed: when there is no connection; the attempt itself goes on.
        """
        async with self._opening:
            if self._over_tcp is None:
                await self._open_tcp()
        if self._over_tcp is None:  # pragma: no cover - opened, or raised
            raise anyio.EndOfStream
        return await self._over_tcp.query(message)

    async def _open_tcp(self) -> None:
        trace = self._context.trace
        before = trace.failure
        try:
            stream = await self._context.dialer.stream(self._option.endpoint, trace)
        except StepFailed:
            trace.failure = before
            raise
        self._close_tcp = stream.aclose
        self._over_tcp = StreamExchange(stream, trace, Proof.REACHED)

    async def late_answers(self) -> None:
        """Run the step ``late_answers``: listen once more for further answers to what was asked."""
        if not self._exchange.answered:
            return
        async with self._context.trace.step("late_answers") as step:
            await self._exchange.listen(LATE_ANSWERS)
            from circumvent.names.late import second_answers  # noqa: PLC0415 - dnspython, loaded by now

            step.detail.update(second_answers(self._exchange.seconds))
            step.detail["strays"] = self._exchange.strays

    async def aclose(self) -> None:
        """Close; never raises."""
        if self._close_tcp is not None:
            await self._close_tcp()
        await self._datagrams.aclose()


TRANSPORT = DnsPlain()
