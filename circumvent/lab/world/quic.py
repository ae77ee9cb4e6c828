"""QUIC servers: HTTP/3 (RFC 9114) and DNS over dedicated QUIC connections (RFC 9250), by aioquic."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamDataReceived

from circumvent.lab.world.http import MOST_REQUESTS, Request, request_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aioquic.h3.events import H3Event
    from aioquic.quic.events import QuicEvent

    from circumvent.lab.world.http import Handler
    from circumvent.lab.world.listen import Listeners
    from circumvent.lab.world.prepare import Pair

#: Error codes of RFC 9250, section 4.3.
DOQ_NO_ERROR: Final = 0x0
DOQ_PROTOCOL_ERROR: Final = 0x2
DOQ_EXCESSIVE_LOAD: Final = 0x4
_IDLE: Final = 60.0
_MOST_MESSAGE: Final = 2 + 65535

# aioquic logs what clients do wrong at levels that Python prints.
logging.getLogger("quic").setLevel(logging.CRITICAL)


class _Connection(QuicConnectionProtocol):
    """What both protocols share: the peer's address, and answers that wait."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.client = ""
        self._count = 0
        self._waiting: set[asyncio.Task[None]] = set()

    def datagram_received(self, data: bytes | str, addr: Any) -> None:
        """Remember where packets come from; what breaks the protocol beyond aioquic's checks is dropped."""
        self.client = str(addr[0])
        with contextlib.suppress(AssertionError, KeyError, IndexError, ValueError):
            super().datagram_received(data, addr)

    def later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something that waits, and send what came of it."""

        async def run() -> None:
            # The client may have closed the stream or the connection.
            with contextlib.suppress(AssertionError, ValueError):
                await work()
                self.transmit()

        task = asyncio.get_running_loop().create_task(run())
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    def counted(self) -> bool:
        """Count a request; tell whether it may be answered."""
        self._count += 1
        return self._count <= MOST_REQUESTS

    def stop_if_over(self, event: QuicEvent) -> None:
        """End what still waits once the connection is over."""
        if isinstance(event, ConnectionTerminated):
            for task in self._waiting:
                task.cancel()


class Http3(_Connection):
    """One connection of HTTP/3."""

    handler: Handler

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._http: H3Connection | None = None
        self._requests: dict[int, Request] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Take what QUIC has for us."""
        self.stop_if_over(event)
        if isinstance(event, ProtocolNegotiated):
            self._http = H3Connection(self._quic)
        if self._http is not None:
            for part in self._http.handle_event(event):
                self._take(part)

    def _take(self, part: H3Event) -> None:
        if isinstance(part, HeadersReceived):
            if part.stream_id not in self._requests and self.counted():
                self._requests[part.stream_id] = request_from(part.headers, self.client)
        elif isinstance(part, DataReceived):
            if (request := self._requests.get(part.stream_id)) is not None:
                request.take(part.data)
        else:
            return
        if part.stream_ended and (request := self._requests.pop(part.stream_id, None)) is not None:
            number, done = part.stream_id, request
            self.later(lambda: self._answer(number, done))

    async def _answer(self, number: int, request: Request) -> None:
        answer = await self.handler(request)
        if self._http is None:
            return
        fields = [(":status", str(answer.status)), *answer.fields()]
        pieces = list(answer.pieces(request.method))
        self._http.send_headers(
            number,
            [(name.encode(), value.encode("latin-1")) for name, value in fields],
            end_stream=not pieces,
        )
        for position, piece in enumerate(pieces, start=1):
            self._http.send_data(number, piece, end_stream=position == len(pieces))


class DnsOverQuic(_Connection):
    """One connection of DNS over QUIC: a message a stream."""

    respond: Callable[[bytes], Awaitable[bytes | None]]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._asked: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        """Collect a question until its end, then answer it."""
        self.stop_if_over(event)
        if not isinstance(event, StreamDataReceived) or event.stream_id % 4:
            return
        number = event.stream_id
        asked = self._asked[number] = self._asked.get(number, b"") + event.data
        if len(asked) > _MOST_MESSAGE:
            self._quic.close(error_code=DOQ_PROTOCOL_ERROR)
        elif event.end_stream:
            del self._asked[number]
            length, message = int.from_bytes(asked[:2], "big"), asked[2:]
            # RFC 9250, section 4.2.1: the message id is zero.
            if length != len(message) or length < 12 or message[:2] != b"\0\0":
                self._quic.close(error_code=DOQ_PROTOCOL_ERROR)
            elif not self.counted():
                self._quic.close(error_code=DOQ_EXCESSIVE_LOAD)
            else:
                self.later(lambda: self._answer(number, message))

    async def _answer(self, number: int, message: bytes) -> None:
        answer = await self.respond(message)
        if answer is not None:
            self._quic.send_stream_data(number, len(answer).to_bytes(2, "big") + answer, end_stream=True)


async def serve_http3(
    listeners: Listeners, addresses: Sequence[str], port: int, pair: Pair, handler: Handler
) -> None:
    """Serve HTTP/3.

    :raises OSError: when the port cannot be had.
    """
    protocol = type("Http3Here", (Http3,), {"handler": staticmethod(handler)})
    await _serve(listeners, addresses, port, pair, ("h3",), protocol)


async def serve_doq(
    listeners: Listeners,
    addresses: Sequence[str],
    port: int,
    pair: Pair,
    respond: Callable[[bytes], Awaitable[bytes | None]],
) -> None:
    """Serve DNS over QUIC.

    :raises OSError: when the port cannot be had.
    """
    protocol = type("DnsOverQuicHere", (DnsOverQuic,), {"respond": staticmethod(respond)})
    await _serve(listeners, addresses, port, pair, ("doq",), protocol)


async def _serve(
    listeners: Listeners,
    addresses: Sequence[str],
    port: int,
    pair: Pair,
    alpn: Sequence[str],
    protocol: type[_Connection],
) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=list(alpn), idle_timeout=_IDLE)
    configuration.load_cert_chain(pair.chain, pair.key)
    await listeners.udp(
        addresses, port, lambda: QuicServer(configuration=configuration, create_protocol=protocol)
    )
