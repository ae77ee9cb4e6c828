"""HTTP/3 (RFC 9114) over a QUIC link: one connection, any number of requests.

aioquic frames and decodes; what belongs to which request, what is bounded and what an end means stands here. Pushes
are never asked for and cost the peer its connection; interim answers (1xx) are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.events import StopSendingReceived, StreamReset

from circumvent.model import failure as failures
from circumvent.net.aioquic_adapter import unreadable
from circumvent.net.errors import PeerError
from circumvent.net.http_types import MAX_BODY, BodyCut, BodyTooLong, Response
from circumvent.net.quic_stream import PIECE, UNSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aioquic.h3.events import H3Event
    from aioquic.quic.events import QuicEvent

    from circumvent.net.quic import QuicLink

#: The protocol's name in the TLS handshake (RFC 9114 section 3.1).
ALPN: Final = "h3"
#: RFC 9114 section 8.1.
_NO_ERROR: Final = 0x100
_REQUEST_CANCELLED: Final = 0x10C
#: More headers than this, or longer ones, are no answer to a request of ours.
MOST_HEADERS: Final = 200
LONGEST_HEADERS: Final = 64 * 1024
#: Sent with every request: a body must arrive as it was counted.
_PLAIN: Final = (("accept", "*/*"), ("accept-encoding", "identity"))


@dataclass(slots=True)
class _Exchange:
    """A request that is under way."""

    max_body: int
    on_bytes: Callable[[int], None] | None
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    first_byte: float | None = None
    ended: bool = False
    too_long: bool = False
    too_long_head: bool = False
    stopped: bool = False
    reset: int | None = None

    @property
    def finished(self) -> bool:
        """Tell whether nothing more will come."""
        return self.ended or self.too_long or self.too_long_head or self.reset is not None

    def take(self, event: H3Event, arrived: float) -> None:
        """Take in a part of the response."""
        if isinstance(event, HeadersReceived):
            self.first_byte = arrived if self.first_byte is None else self.first_byte
            self.ended = self.ended or event.stream_ended
            self._take_head(event.headers)
        elif isinstance(event, DataReceived):
            self.ended = self.ended or event.stream_ended
            if len(self.body) + len(event.data) > self.max_body:
                self.too_long = True
            taken = event.data[: self.max_body - len(self.body)]
            self.body += taken
            if taken and self.on_bytes is not None:
                self.on_bytes(len(taken))

    def _take_head(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Keep the head of the final response; interim ones and trailers are passed over."""
        status = next((value for name, value in fields if name == b":status"), b"")
        if self.status is not None or len(status) != 3 or not status.isdigit() or status.startswith(b"1"):
            return
        length = sum(len(name) + len(value) for name, value in fields)
        if len(fields) > MOST_HEADERS or length > LONGEST_HEADERS:
            self.too_long_head = True
            return
        self.status = int(status)
        self.headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in fields
            if not name.startswith(b":")
        )

    def cut(self) -> bool:
        """Tell whether the response promised more than came (RFC 9114 section 4.1.2)."""
        promised = next((value for name, value in self.headers if name == "content-length"), "")
        return promised.isascii() and promised.isdigit() and len(self.body) < int(promised[:18])


class Http3Session:
    """One HTTP/3 connection; owns its link."""

    def __init__(self, link: QuicLink) -> None:
        self._link = link
        self._exchanges: dict[int, _Exchange] = {}
        self._h3 = H3Connection(link.quic.aioquic)
        link.handle_events(self._handle)

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
        """Send a request and return the whole response (:class:`circumvent.net.http_types.HttpClient`)."""
        number = self._link.quic.aioquic.get_next_available_stream_id()
        exchange = self._exchanges[number] = _Exchange(max_body=max_body, on_bytes=on_bytes)
        try:
            self._h3.send_headers(number, _request_headers(method, url, headers, body), end_stream=not body)
            await self._complete(number, exchange, body)
        finally:
            del self._exchanges[number]
            if not exchange.ended:
                self._cancel(number, exchange)
        return self._response(exchange)

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        await self._link.aclose(_NO_ERROR)

    async def _upload(self, number: int, exchange: _Exchange, body: bytes) -> None:
        """Send the body until the peer has all of it or wants no more, also when it has answered before."""
        quic = self._link.quic

        def over() -> bool:
            return exchange.stopped or exchange.reset is not None or exchange.too_long

        for start in range(0, len(body), PIECE):
            await self._link.wait(lambda: over() or quic.unsent(number) < UNSENT)
            if over():
                return
            end = start + PIECE
            self._h3.send_data(number, body[start:end], end_stream=end >= len(body))
        await self._link.wait(lambda: over() or quic.unsent(number) == 0)

    async def _complete(self, number: int, exchange: _Exchange, body: bytes) -> None:
        """Send the body and wait for the end of the response.

        :raises BodyCut: when the connection ended inside the body.
        """
        try:
            await self._upload(number, exchange, body)
            await self._link.wait(lambda: exchange.finished)
        except (OSError, PeerError) as exc:
            if exchange.status is None or isinstance(exc, BodyCut):
                raise
            raise BodyCut(len(exchange.body)) from exc

    def _response(self, exchange: _Exchange) -> Response:
        if exchange.too_long_head:
            raise PeerError(failures.WRONG_ANSWER, "too many headers")
        if exchange.reset is not None:
            reason = PeerError(failures.HTTP_REQUEST_FAILED, f"stream reset with code {exchange.reset:#x}")
            if exchange.status is not None:
                raise BodyCut(len(exchange.body)) from reason
            raise reason
        if exchange.status is None or exchange.first_byte is None:
            raise PeerError(failures.WRONG_ANSWER, "the stream ended without a response")
        response = Response(
            exchange.status, exchange.headers, bytes(exchange.body), "HTTP/3", exchange.first_byte
        )
        if exchange.too_long:
            raise BodyTooLong(exchange.max_body, response)
        if exchange.cut():
            raise BodyCut(len(exchange.body))
        return response

    def _cancel(self, number: int, exchange: _Exchange) -> None:
        """Tell the peer to stop; it goes out with the next packet."""
        quic = self._link.quic
        if quic.closed is None and exchange.reset is None:
            quic.cancel(number, _REQUEST_CANCELLED)

    def _handle(self, event: QuicEvent) -> None:
        exchange = self._exchanges.get(getattr(event, "stream_id", -1))
        if exchange is not None:
            if isinstance(event, StreamReset):
                exchange.reset = event.error_code
            elif isinstance(event, StopSendingReceived):
                exchange.stopped = True
        try:
            parts = self._h3.handle_event(event)
        except Exception as exc:
            raise unreadable(exc) from exc
        for part in parts:
            if isinstance(part, (HeadersReceived, DataReceived)):
                target = self._exchanges.get(part.stream_id)
                if target is not None and part.push_id is None:
                    target.take(part, self._link.arrived)


def _request_headers(
    method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes
) -> list[tuple[bytes, bytes]]:
    """Return the field section of a request (RFC 9114 section 4.3.1).

    :raises ValueError: when ``url`` is no absolute https URL in ASCII.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or not url.isascii():
        raise ValueError("HTTP/3 needs an https:// URL in ASCII")
    given = {name.lower() for name, _ in headers}
    fields = [
        (":method", method),
        (":scheme", parts.scheme),
        (":authority", parts.netloc.rpartition("@")[2]),
        (":path", (parts.path or "/") + (f"?{parts.query}" if parts.query else "")),
        *(pair for pair in _PLAIN if pair[0] not in given),
        *((name.lower(), value) for name, value in headers),
    ]
    if body or method not in ("GET", "HEAD"):
        fields.append(("content-length", str(len(body))))
    return [(name.encode("ascii"), value.encode("latin-1")) for name, value in fields]
