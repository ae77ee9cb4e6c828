"""meek's server, run as a program: HTTP requests with a session id, and the bytes of a Tor bridge.

``python meek_server.py PORT BRIDGE_ADDRESS BRIDGE_PORT`` listens on 127.0.0.1 and answers POST requests (HTTP/1.1) that have
an ``X-Session-Id``; all others get 404. An answer waits 10 ms for bytes of the bridge.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

LONGEST = 64 * 1024
PATIENCE = 0.01

Session = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Server:
    """The sessions, each a connection to the bridge."""

    def __init__(self, bridge: tuple[str, int]) -> None:
        self._bridge = bridge
        self._sessions: dict[str, Session] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of the web server."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.split("\r\n")
                fields = {
                    name.strip().lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in lines)
                }
                body = await reader.readexactly(int(fields.get("content-length", "0")))
                name = fields.get("x-session-id", "")
                good = first.startswith("POST ") and name
                answer = await self._exchange(name, body) if good else b""
                status = "200 OK" if good else "404 Not Found"
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer)
                await writer.drain()
        writer.close()

    async def _exchange(self, name: str, body: bytes) -> bytes:
        if name not in self._sessions:
            self._sessions[name] = await asyncio.open_connection(*self._bridge)
        reader, writer = self._sessions[name]
        writer.write(body)
        await writer.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return await reader.read(LONGEST)
        return b""


async def main(port: int, bridge: tuple[str, int]) -> None:
    """Serve for ever."""
    server = await asyncio.start_server(Server(bridge).serve, "127.0.0.1", port, limit=2 * LONGEST)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), (sys.argv[2], int(sys.argv[3]))))
