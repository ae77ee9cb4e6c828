"""Sockets of the servers: bounded numbers of connections, bounded lives, and nobody's fault ends the world.

What a client sends wrongly ends its own connection. What is wrong with a server itself is written to standard error,
which is the log of the world, and the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from circumvent.lab.world.prepare import Pair

    Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

Protocol = TypeVar("Protocol", bound=asyncio.DatagramProtocol)

#: Connections that the whole world holds at once, and seconds that one may live.
MOST_CONNECTIONS: Final = 4000
LIFE: Final = 900.0
#: Seconds that a TLS handshake may take.
HANDSHAKE: Final = 20.0
#: Seconds that a peer may need to answer a TLS close.
GOODBYE: Final = 2.0
#: Bytes that a reader buffers, and bytes that are copied at once.
BUFFER: Final = 64 * 1024
_BACKLOG: Final = 256

#: How a connection ends without anybody's fault.
GONE: Final = (
    OSError,
    ssl.SSLError,
    EOFError,  # asyncio.IncompleteReadError
    asyncio.LimitOverrunError,
    TimeoutError,
    ValueError,
)


class Listeners:
    """Every socket of the world. Closing it closes them all."""

    def __init__(self) -> None:
        self._closers: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._open = 0

    async def tcp(
        self, addresses: Sequence[str], port: int, serve: Serve, *, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve TCP (or TLS) connections on a port of every address.

        :raises OSError: when the port cannot be had.
        """

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if self._open >= MOST_CONNECTIONS:
                writer.transport.abort()
                return
            self._open += 1
            try:
                await _serve_one(serve, reader, writer)
            finally:
                self._open -= 1

        for address in addresses:
            limits = (
                {} if tls is None else {"ssl_handshake_timeout": HANDSHAKE, "ssl_shutdown_timeout": GOODBYE}
            )
            server = await asyncio.start_server(
                handle, address, port, ssl=tls, backlog=_BACKLOG, limit=BUFFER, **limits
            )
            self._closers.append(server.close)

    async def udp(
        self, addresses: Sequence[str], port: int, make: Callable[[], Protocol]
    ) -> list[tuple[asyncio.DatagramTransport, Protocol]]:
        """Open a UDP socket on a port of every address, each with a protocol of its own.

        :raises OSError: when the port cannot be had.
        """
        loop = asyncio.get_running_loop()
        opened = []
        for address in addresses:
            transport, protocol = await loop.create_datagram_endpoint(make, local_addr=(address, port))
            self._closers.append(transport.close)
            opened.append((transport, protocol))
        return opened

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` beside everything else; it may fail as connections do."""
        task = asyncio.get_running_loop().create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Close all sockets."""
        for closer in self._closers:
            closer()
        for task in self._tasks:
            task.cancel()


async def _serve_one(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        async with asyncio.timeout(LIFE):
            await _guarded(serve(reader, writer))
    except TimeoutError:
        writer.transport.abort()
    finally:
        await hang_up(writer)


async def _guarded(work: Awaitable[None]) -> None:
    try:
        await work
    except GONE:
        return
    except Exception:  # noqa: BLE001 - one server's fault must not end the others; it is in the log
        traceback.print_exc(file=sys.stderr)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a connection and wait a little until it is closed."""
    writer.close()
    try:
        async with asyncio.timeout(GOODBYE):
            await writer.wait_closed()
    except GONE:
        writer.transport.abort()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy bytes until their end, and pass the end on."""
    with contextlib.suppress(*GONE):
        while data := await reader.read(BUFFER):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
            return
    writer.close()


async def splice(
    near: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    far: tuple[asyncio.StreamReader, asyncio.StreamWriter],
) -> None:
    """Copy both ways until both directions have ended; a reset on one side becomes one on the other."""
    try:
        await asyncio.gather(copy(near[0], far[1]), copy(far[0], near[1]))
    finally:
        if near[0].exception() is not None or far[0].exception() is not None:
            near[1].transport.abort()
            far[1].transport.abort()
        await hang_up(far[1])


def server_context(pair: Pair, *alpn: str) -> ssl.SSLContext:
    """Return the TLS settings of a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context
