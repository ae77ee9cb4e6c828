"""HTTP/1.1 and HTTP/2 over a stream that is already connected. The only module that imports httpx and httpcore.

``httpx`` models requests and responses, ``httpcore`` speaks the protocol, and both run on our own stream: no pool,
no proxy from the environment, no redirect, no cookie, no User-Agent, no decompression. What the stream raises
passes through as it is; what the protocol finds wrong becomes a :class:`~circumvent.net.errors.PeerError`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import httpcore

from circumvent.model import failure as failures
from circumvent.net.errors import NetError, PeerError
from circumvent.net.http_types import MAX_BODY, BodyCut, BodyTooLong, Response
from circumvent.net.left_out import left_out

# Its command line brings click, rich and pygments: a third of the time that httpx takes to import.
with left_out("httpx._main"):
    import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from circumvent.net.stream import ByteStream
    from circumvent.net.trace import Trace

    _Connection = httpcore.AsyncHTTP11Connection | httpcore.AsyncHTTP2Connection

#: More headers than this, or longer ones, are no answer to a request of ours.
MOST_HEADERS: Final = 200
LONGEST_HEADERS: Final = 64 * 1024
#: Sent with every request: a body must arrive as it was counted.
_PLAIN: Final = (("accept", "*/*"), ("accept-encoding", "identity"))
#: Requests that may be under way before the server's settings are known.
FIRST_FLIGHT: Final = 16
#: As many as httpcore can tell apart at once.
_MOST_STREAMS: Final = 100
_REFUSED: Final = "RST_STREAM REFUSED_STREAM"
#: An upload leaves in pieces of this many bytes.
PIECE: Final = 16 * 1024


def open_http(stream: ByteStream, *, url: str, http2: bool, trace: Trace) -> HttpSession:
    """Return a session for the origin of ``url`` over ``stream``; nothing is sent yet.

    :raises ValueError: when ``url`` is no absolute http or https URL.
    """
    return HttpSession(stream, _parse(url), http2=http2, trace=trace)


class HttpSession:
    """One connection to one origin that answers several requests; made by :func:`open_http`."""

    def __init__(self, stream: ByteStream, url: httpx.URL, *, http2: bool, trace: Trace) -> None:
        self._wire = _Wire(stream, trace, http2=http2)
        origin = httpcore.URL(str(url)).origin
        room = _Room()
        connection: _Connection
        if http2:
            connection = _Http2Connection(origin=origin, stream=self._wire, room=room)
        else:
            connection = httpcore.AsyncHTTP11Connection(origin=origin, stream=self._wire)
        self._client = httpx.AsyncClient(
            transport=_OneConnection(connection, room), trust_env=False, follow_redirects=False
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        max_body: int = MAX_BODY,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        """Send a request and return the whole response, as :class:`~circumvent.net.http_types.HttpClient` says.

        ``first_byte`` of the response is when the read that completed its head arrived.
        """
        try:
            response = await self._send(method, url, headers, body)
        except PeerError as exc:
            if exc.detail != _REFUSED:
                raise
            # What was refused was not processed (RFC 9113 section 8.7), and by now the limit is known.
            response = await self._send(method, url, headers, body)
        try:
            version = response.extensions.get("http_version", b"").decode("ascii", "replace")
            head = Response(response.status_code, _headers(response), b"", version, self._wire.last_read)
            content = bytearray()
            try:
                await self._body(response, content, max_body, on_bytes)
            except BodyTooLong as exc:
                raise BodyTooLong(max_body, replace(head, body=bytes(content))) from exc
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        return replace(head, body=bytes(content))

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        with anyio.CancelScope(shield=True):
            await self._wire.aclose()

    async def _send(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> httpx.Response:
        with _in_words():
            return await self._client.send(self._request(method, _parse(url), headers, body), stream=True)

    def _request(
        self, method: str, url: httpx.URL, headers: Sequence[tuple[str, str]], body: bytes
    ) -> httpx.Request:
        given = {name.lower() for name, _ in headers}
        plain = [pair for pair in _PLAIN if pair[0] not in given]
        if not body and method in ("GET", "HEAD"):
            return httpx.Request(method, url, headers=[*plain, *headers])
        length = ("content-length", str(len(body)))
        return httpx.Request(method, url, headers=[*plain, *headers, length], content=_pieces(body))

    async def _body(
        self,
        response: httpx.Response,
        content: bytearray,
        max_body: int,
        on_bytes: Callable[[int], None] | None,
    ) -> None:
        """Read the body into ``content``, of which it fills at most ``max_body``."""
        received = 0
        too_long = BodyTooLong(max_body)
        try:
            with _in_words():
                async for chunk in response.aiter_raw():
                    received += len(chunk)
                    if on_bytes is not None:
                        on_bytes(len(chunk))
                    content += chunk[: max_body - len(content)]
                    if (
                        received > max_body
                    ):  # raised below, so that the generators above it all come to an end
                        self._wire.stop = too_long
        except (BodyTooLong, anyio.ClosedResourceError):
            raise
        except (NetError, OSError, anyio.BrokenResourceError, anyio.EndOfStream) as exc:
            raise BodyCut(received) from exc
        if received > max_body:
            raise too_long


class _Room:
    """How many requests may be under way on a connection, and how many are."""

    def __init__(self) -> None:
        self._limit = FIRST_FLIGHT
        self._inside = 0
        self._changed = anyio.Event()

    def allow(self, limit: int) -> None:
        """Take the server's word, within reason."""
        self._limit = min(max(limit, 1), _MOST_STREAMS)
        self._wake()

    async def enter(self) -> None:
        """Wait for a place."""
        while self._inside >= self._limit:
            await self._changed.wait()
        self._inside += 1

    def leave(self) -> None:
        """Give a place back."""
        self._inside -= 1
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


class _Http2Connection(httpcore.AsyncHTTP2Connection):
    """HTTP/2 whose short requests leave whole, in one write: head, body and end; the first with the preface.

    httpcore writes each frame as it is made, so that frames of concurrent requests interleave and a body arrives
    apart from its end. Knot Resolver answers both with an error, and browsers do neither.

    It also sends one request and then waits for the server's settings. That is a round trip which nothing asks for:
    until a server says otherwise there is no limit, and none should be under 100 (RFC 9113 sections 3.4 and 6.5.2).
    One that allows fewer than are under way refuses the rest, which are sent again when others have ended.
    """

    _held = False
    _begun = False

    def __init__(self, *, origin: httpcore.Origin, stream: httpcore.AsyncNetworkStream, room: _Room) -> None:
        super().__init__(origin=origin, stream=stream)
        self._room = room

    async def _send_connection_init(self, request: httpcore.Request) -> None:
        self._held = True
        try:
            await super()._send_connection_init(request)
        finally:
            self._held = False

    async def _send_request_headers(self, request: httpcore.Request, stream_id: int) -> None:
        if not self._begun:
            self._begun = True
            for _ in range(_MOST_STREAMS - 1):
                await self._max_streams_semaphore.release()
        self._held = any(name.lower() == b"content-length" for name, _ in request.headers)
        try:
            await super()._send_request_headers(request, stream_id)
        finally:
            self._held = False

    async def _receive_remote_settings_change(self, event: h2.events.RemoteSettingsChanged) -> None:
        limit = event.changed_settings.get(h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS)
        if limit is not None:  # httpcore would wait here, as the only reader, until few enough are under way
            self._room.allow(limit.new_value)

    async def _send_stream_data(self, request: httpcore.Request, stream_id: int, data: bytes) -> None:
        room = min(
            self._h2_state.local_flow_control_window(stream_id), self._h2_state.max_outbound_frame_size
        )
        if len(data) < min(PIECE, room):
            self._h2_state.send_data(stream_id, data)  # leaves with the end of the stream
        else:
            await super()._send_stream_data(request, stream_id, data)

    async def _write_outgoing_data(self, request: httpcore.Request) -> None:
        if not self._held:
            await super()._write_outgoing_data(request)


class _Wire(httpcore.AsyncNetworkStream):
    """Our stream as httpcore wants to see one. Time limits are those of the step around it."""

    def __init__(self, stream: ByteStream, trace: Trace, *, http2: bool) -> None:
        self._stream = stream
        self._trace = trace
        self._must_be_frames = http2
        self.last_read = 0.0
        self.stop: BodyTooLong | None = None

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109 - httpcore's
        if self.stop is not None:
            raise self.stop
        try:
            data = await self._stream.receive(max_bytes)
        except anyio.EndOfStream:
            return b""
        self.last_read = self._trace.clock.now()
        if self._must_be_frames and data.startswith(b"HTTP/"):  # h2 would wait for a frame of 4 MB
            raise PeerError(failures.WRONG_ANSWER, "HTTP/1.1 in place of HTTP/2")
        self._must_be_frames = False
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109 - httpcore's
        if not buffer:
            return
        try:
            await self._stream.send(buffer)
        except OSError as exc:  # a server may have answered before it hung up: httpcore then reads on
            raise httpcore.WriteError from exc

    async def aclose(self) -> None:
        with anyio.CancelScope(shield=True):
            await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:  # noqa: ARG002 - httpcore's
        return None


class _OneConnection(httpx.AsyncBaseTransport):
    """Hands every request to the one connection there is."""

    def __init__(self, connection: _Connection, room: _Room) -> None:
        self._connection = connection
        self._room = room

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._room.enter()
        try:
            response = await self._connection.handle_async_request(_as_httpcore(request))
        except BaseException:
            self._room.leave()
            raise
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, self._room),
            extensions=response.extensions,
        )


def _as_httpcore(request: httpx.Request) -> httpcore.Request:
    return httpcore.Request(
        method=request.method.encode("ascii"),
        url=httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


class _Body(httpx.AsyncByteStream):
    """The body of an httpcore response, for httpx."""

    def __init__(self, response: httpcore.Response, room: _Room) -> None:
        self._response = response
        self._room = room
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.aiter_stream():
            yield chunk

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                await self._response.aclose()
            finally:
                self._room.leave()


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn protocol errors into ours; errors of the stream pass as they are."""
    try:
        yield
    except httpcore.WriteError as exc:
        if isinstance(exc.__cause__, OSError):
            raise exc.__cause__ from None
        raise
    except httpcore.ConnectionNotAvailable as exc:
        raise PeerError(failures.EOF, "the server had closed the connection") from exc
    except (httpcore.RemoteProtocolError, httpcore.LocalProtocolError, h2.exceptions.ProtocolError) as exc:
        raise _peer_error(exc) from exc


def _peer_error(exc: Exception) -> PeerError:
    """Say what the server did wrong, from the event that httpcore or h2 carries; never in the server's words."""
    event = exc.args[0] if exc.args else None
    if isinstance(event, h2.exceptions.TooManyStreamsError):  # the limit came when the request was on its way
        return PeerError(failures.HTTP_REQUEST_FAILED, _REFUSED)
    if isinstance(event, h2.events.ConnectionTerminated):
        return PeerError(failures.HTTP_REQUEST_FAILED, f"GOAWAY {_code(event.error_code)}")
    if isinstance(event, h2.events.StreamReset):
        return PeerError(failures.HTTP_REQUEST_FAILED, f"RST_STREAM {_code(event.error_code)}")
    if isinstance(event, str) and event.startswith(("Server disconnected", "peer closed connection")):
        return PeerError(failures.EOF, "the server closed the connection")
    return PeerError(failures.WRONG_ANSWER, "the answer is no HTTP")


def _code(number: int | None) -> str:
    """Name an error code of HTTP/2 (RFC 9113 section 7)."""
    try:
        return h2.errors.ErrorCodes(-1 if number is None else number).name
    except ValueError:
        return str(number)


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as exc:
        raise ValueError("this is no URL") from exc
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("a URL begins with http:// or https:// and a host")
    return parsed.copy_with(fragment=None)


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), PIECE):
        yield body[begin : begin + PIECE]


def _headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    raw = response.headers.raw
    if len(raw) > MOST_HEADERS or sum(len(name) + len(value) for name, value in raw) > LONGEST_HEADERS:
        raise PeerError(failures.WRONG_ANSWER, "too many headers")
    return tuple((name.lower().decode("latin-1"), value.decode("latin-1")) for name, value in raw)
