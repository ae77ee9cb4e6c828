"""HTTP/1.1 (h11) and HTTP/2 (h2) servers: requests in, answers out, by what ALPN chose."""

from __future__ import annotations

import asyncio
import email.utils
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h11

from circumvent.lab.world.listen import BUFFER

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping

    Handler = Callable[["Request"], Awaitable["Answer"]]

#: ALPN names of what :func:`serve_http` speaks.
ALPN: Final = ("h2", "http/1.1")
#: Bytes of a request body that are kept; the rest is counted.
KEPT: Final = 64 * 1024
#: Bytes of a request body after which the connection ends.
MOST_BODY: Final = 64 * 1024 * 1024
#: Requests that one connection may have open, and may make.
MOST_STREAMS: Final = 100
MOST_REQUESTS: Final = 10_000
_PIECE: Final = 16 * 1024
_BODILESS: Final = (204, 304)


@dataclass(slots=True, kw_only=True)
class Request:
    """A request. ``body`` is its beginning, ``received`` its whole length; ``client`` the peer's address."""

    method: str
    path: str
    host: str
    client: str
    headers: Mapping[str, str]
    body: bytes = b""
    received: int = 0

    def take(self, data: bytes) -> None:
        """Receive a piece of the body.

        :raises ValueError: when it is too long.
        """
        self.received += len(data)
        if self.received > MOST_BODY:
            raise ValueError("a request body that goes on and on")
        self.body += data[: max(KEPT - len(self.body), 0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer; its body is ``body``, or ``zeros`` bytes of nothing."""

    status: int = 200
    body: bytes = b""
    zeros: int = 0
    media_type: str = "text/plain"
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def length(self) -> int:
        """Return the length of the body in bytes."""
        return 0 if self.status in _BODILESS else self.zeros or len(self.body)

    def fields(self) -> list[tuple[str, str]]:
        """Return the header fields, names in lower case."""
        first = [("date", email.utils.formatdate(usegmt=True)), ("server", "laboratory")]
        if self.status not in _BODILESS:
            first += [("content-type", self.media_type), ("content-length", str(self.length))]
        return [*first, *self.headers]

    def pieces(self, method: str) -> Iterator[bytes]:
        """Return the body in pieces; none for HEAD."""
        if method == "HEAD" or not self.length:
            return
        for begin in range(0, self.length, _PIECE):
            size = min(_PIECE, self.length - begin)
            yield bytes(size) if self.zeros else self.body[begin : begin + size]


def http_server(handler: Handler) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Return what serves one connection over TCP or TLS."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = writer.get_extra_info("ssl_object")
        if tls is not None and tls.selected_alpn_protocol() == "h2":
            await Http2(reader, writer, handler).run()
        else:
            await _serve_http1(reader, writer, handler)

    return serve


def request_from(fields: Iterable[tuple[bytes | str, bytes | str]], client: str) -> Request:
    """Make a request out of the fields of HTTP/2 or HTTP/3."""
    headers = {_text(name): _text(value) for name, value in fields}
    return Request(
        method=headers.pop(":method", "GET"),
        path=headers.pop(":path", "/"),
        host=headers.pop(":authority", headers.get("host", "")),
        client=client,
        headers=headers,
    )


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


async def _serve_http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=KEPT)
    client = str(writer.get_extra_info("peername")[0])
    for _ in range(MOST_REQUESTS):
        try:
            request = await _read_http1(connection, reader, writer, client)
        except h11.RemoteProtocolError as exc:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                await _answer_http1(connection, writer, "GET", Answer(status=exc.error_status_hint))
            return
        if request is None:
            return
        await _answer_http1(connection, writer, request.method, await handler(request))
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return
        connection.start_next_cycle()


async def _read_http1(
    connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str
) -> Request | None:
    """Return the next request, ``None`` when the client is done."""
    request: Request | None = None
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            if connection.they_are_waiting_for_100_continue:
                writer.write(connection.send(h11.InformationalResponse(status_code=100, headers=[])) or b"")
            connection.receive_data(await reader.read(BUFFER))
        elif isinstance(event, h11.Request):
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in event.headers}
            request = Request(
                method=event.method.decode("latin-1"),
                path=event.target.decode("latin-1"),
                host=headers.get("host", ""),
                client=client,
                headers=headers,
            )
        elif isinstance(event, h11.Data) and request is not None:
            request.take(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            return request
        else:
            return None


async def _answer_http1(
    connection: h11.Connection, writer: asyncio.StreamWriter, method: str, answer: Answer
) -> None:
    head = h11.Response(status_code=answer.status, headers=answer.fields(), reason=b"-")
    writer.write(connection.send(head) or b"")
    for piece in answer.pieces(method):
        writer.write(connection.send(h11.Data(data=piece)) or b"")
        await writer.drain()
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()


@dataclass(slots=True)
class Http2:
    """One connection of HTTP/2 (RFC 9113); requests are answered side by side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    handler: Handler
    _connection: h2.connection.H2Connection = field(init=False)
    _requests: dict[int, Request] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _moved: asyncio.Condition = field(default_factory=asyncio.Condition)
    _count: int = 0

    def __post_init__(self) -> None:
        """Begin."""
        settings = h2.config.H2Configuration(client_side=False, header_encoding=None)
        self._connection = h2.connection.H2Connection(settings)

    async def run(self) -> None:
        """Serve until the client leaves or breaks the protocol."""
        self._connection.initiate_connection()
        try:
            await self._flush()
            while data := await self.reader.read(BUFFER):
                for event in self._connection.receive_data(data):
                    self._take(event)
                await self._flush()
                async with self._moved:
                    self._moved.notify_all()
                if self._count > MOST_REQUESTS:
                    return
        except h2.exceptions.ProtocolError:
            await self._flush()
        finally:
            for task in self._tasks:
                task.cancel()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived(stream_id=int(number), headers=list(fields)):
                self._count += 1
                client = str(self.writer.get_extra_info("peername")[0])
                self._requests[number] = request_from(fields, client)
            case h2.events.DataReceived(stream_id=int(number), data=bytes(data)):
                if (request := self._requests.get(number)) is not None:
                    request.take(data)
                self._connection.acknowledge_received_data(event.flow_controlled_length or 0, number)
            case h2.events.StreamEnded(stream_id=int(number)):
                if (request := self._requests.pop(number, None)) is not None:
                    task = asyncio.get_running_loop().create_task(self._answer(number, request))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
            case h2.events.StreamReset(stream_id=int(number)):
                self._requests.pop(number, None)
            case h2.events.ConnectionTerminated():
                self.writer.close()
            case _:
                pass

    async def _answer(self, number: int, request: Request) -> None:
        answer = await self.handler(request)
        try:
            fields = [(":status", str(answer.status)), *answer.fields()]
            self._connection.send_headers(number, fields)
            for piece in answer.pieces(request.method):
                await self._send(number, piece)
            self._connection.end_stream(number)
            await self._flush()
        except (h2.exceptions.H2Error, OSError):
            return  # the client gave the stream, or the connection, up

    async def _send(self, number: int, piece: bytes) -> None:
        while piece:
            window = self._connection.local_flow_control_window(number)
            size = min(window, self._connection.max_outbound_frame_size, len(piece))
            if size <= 0:
                async with self._moved:
                    await self._moved.wait()
                continue
            self._connection.send_data(number, piece[:size])
            piece = piece[size:]
            await self._flush()

    async def _flush(self) -> None:
        self.writer.write(self._connection.data_to_send())
        await self.writer.drain()
