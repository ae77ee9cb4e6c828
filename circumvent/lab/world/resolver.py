"""Resolvers on the wire: DNS over UDP and TCP, over TLS, over HTTPS (RFC 8484)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from circumvent.lab.world.answers import MOST_UDP
from circumvent.lab.world.http import ALPN, Answer, Request, http_server
from circumvent.lab.world.listen import server_context
from circumvent.lab.world.quic import serve_doq, serve_http3

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from circumvent.lab.world.answers import Responder
    from circumvent.lab.world.description import Names
    from circumvent.lab.world.http import Handler
    from circumvent.lab.world.listen import Listeners, Serve
    from circumvent.lab.world.prepare import Pair

    Respond = Callable[[bytes], Awaitable[bytes | None]]

MEDIA_TYPE: Final = "application/dns-message"
#: Seconds after which a client of a silent resolver is told off, where silence is no answer (HTTP).
SILENCE: Final = 60.0
#: Seconds that a TCP connection may stand idle (RFC 7766, section 6.2.3: some seconds).
IDLE: Final = 30.0


async def serve_names(
    listeners: Listeners, addresses: Sequence[str], names: Names, responder: Responder, pair: Pair
) -> None:
    """Serve every protocol of a resolver.

    :raises OSError: when a port cannot be had.
    """

    async def respond(message: bytes) -> bytes | None:
        return responder.respond(message)

    wanted = set(names.protocols)
    if "udp" in wanted:
        await listeners.udp(addresses, 53, lambda: Datagrams(responder))
    if "tcp" in wanted:
        await listeners.tcp(addresses, 53, stream_server(respond))
    if "dot" in wanted:
        await listeners.tcp(addresses, 853, stream_server(respond), tls=server_context(pair, "dot"))
    handler = doh_handler(respond, names.path)
    if "doh" in wanted:
        await listeners.tcp(addresses, 443, http_server(handler), tls=server_context(pair, *ALPN))
    if "doh3" in wanted:
        await serve_http3(listeners, addresses, 443, pair, handler)
    if "doq" in wanted:
        await serve_doq(listeners, addresses, 853, pair, respond)


class Datagrams(asyncio.DatagramProtocol):
    """DNS over UDP."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        """Keep the socket."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer."""
        answer = self._responder.respond(data, limit=MOST_UDP)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def stream_server(respond: Respond) -> Serve:
    """Return what serves DNS over a stream: messages with their length before them (RFC 7766)."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            async with asyncio.timeout(IDLE):
                message = await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
            answer = await respond(message)
            if answer is not None:
                writer.write(len(answer).to_bytes(2, "big") + answer)
                await writer.drain()

    return serve


def doh_handler(respond: Respond, path: str) -> Handler:
    """Return what serves DNS over HTTPS at ``path``."""

    async def handle(request: Request) -> Answer:
        parts = urlsplit(request.path)
        if parts.path != path:
            return Answer(status=404, body=b"not here\n")
        if request.method == "POST":
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MEDIA_TYPE:
                return Answer(status=415)
            message: bytes | None = request.body
        elif request.method in ("GET", "HEAD"):
            message = _from_query(parts.query)
        else:
            return Answer(status=405)
        if message is None or not 12 <= len(message) <= 65535:
            return Answer(status=400, body=b"no DNS message\n")
        answer = await respond(message)
        if answer is None:
            await asyncio.sleep(SILENCE)
            return Answer(status=504)
        return Answer(body=answer, media_type=MEDIA_TYPE, headers=(("cache-control", "max-age=0"),))

    return handle


def _from_query(query: str) -> bytes | None:
    values = parse_qs(query, max_num_fields=20).get("dns", [])
    if len(values) != 1:
        return None
    try:
        return base64.urlsafe_b64decode(values[0] + "=" * (-len(values[0]) % 4))
    except (binascii.Error, ValueError):
        return None
