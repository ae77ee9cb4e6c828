"""What stands between a web site and its Tor bridge: the servers of WebTunnel and of meek.

The web server on the same machine asks them, over a loopback address of the site's own. WebTunnel: an HTTP upgrade, then the
bytes of the bridge. meek: HTTP requests with a session id, each with bytes there and back.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from circumvent.lab.world.http import Answer, http_server
from circumvent.lab.world.listen import GONE, splice

if TYPE_CHECKING:
    from circumvent.lab.world.description import Server
    from circumvent.lab.world.http import Request

    Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

WEBTUNNEL_PORT: Final = 9080
MEEK_PORT: Final = 9081
#: Seconds for the head of a request, and seconds that an answer of meek waits for bytes of the bridge.
PATIENCE: Final = 20.0
_WAIT: Final = 0.01
#: Bytes of one answer of meek, and its sessions at once.
_LONGEST: Final = 64 * 1024
_MOST_SESSIONS: Final = 64
_SWITCH: Final = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
_NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_GONE: Final = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def inner(server: Server) -> str:
    """Return the loopback address where the web server of ``server`` asks."""
    return "127." + server.ipv4.partition(".")[2]


class WebtunnelServer:
    """Hands a connection to the bridge to whoever asks for an upgrade to "websocket" without being a websocket."""

    def __init__(self, bridge: tuple[str, int]) -> None:
        self._bridge = bridge

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        async with asyncio.timeout(PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"\r\nupgrade: websocket\r\n" not in head or b"sec-websocket-key" in head:
            writer.write(_NOT_FOUND)
            return
        try:
            far = await asyncio.open_connection(*self._bridge)
        except OSError:
            writer.write(_GONE)
            return
        writer.write(_SWITCH)
        await splice((reader, writer), far)


class MeekServer:
    """The sessions, each a connection to the bridge."""

    def __init__(self, bridge: tuple[str, int]) -> None:
        self._bridge = bridge
        self._sessions: OrderedDict[str, Streams] = OrderedDict()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the web server."""
        await http_server(self._handle)(reader, writer)

    def close(self) -> None:
        """Close every session."""
        while self._sessions:
            self._sessions.popitem()[1][1].close()

    async def _handle(self, request: Request) -> Answer:
        name = request.headers.get("x-session-id", "")
        if request.method != "POST" or not name or request.received > _LONGEST:
            return Answer(status=404)
        try:
            return Answer(
                body=await self._exchange(name, request.body), media_type="application/octet-stream"
            )
        except GONE:
            return Answer(status=502)

    async def _exchange(self, name: str, body: bytes) -> bytes:
        if name not in self._sessions:
            self._sessions[name] = await asyncio.open_connection(*self._bridge)
            while len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)[1][1].close()
        reader, writer = self._sessions[name]
        writer.write(body)
        await writer.drain()
        try:
            async with asyncio.timeout(_WAIT):
                return await reader.read(_LONGEST)
        except TimeoutError:
            return b""
