"""WebTunnel's server, run as a program: an HTTP upgrade, then the bytes of a Tor bridge.

``python webtunnel_server.py PORT BRIDGE_ADDRESS BRIDGE_PORT`` listens on 127.0.0.1. It answers 101 to whoever asks for
an upgrade to "websocket" and sends no ``Sec-WebSocket-Key``, and 404 to all others.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys

LONGEST_HEAD = 16 * 1024
_SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until either side ends."""
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, bridge: tuple[str, int]) -> None:
    """Serve one connection."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"\r\nupgrade: websocket\r\n" not in head or b"sec-websocket-key" in head:
            writer.write(_NOT_FOUND)
            await writer.drain()
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_connection(*bridge)
        writer.write(_SWITCH)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        writer.close()


async def main(port: int, bridge: tuple[str, int]) -> None:
    """Serve for ever."""
    server = await asyncio.start_server(
        lambda reader, writer: serve(reader, writer, bridge), "127.0.0.1", port, limit=LONGEST_HEAD
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), (sys.argv[2], int(sys.argv[3]))))
