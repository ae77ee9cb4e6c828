"""Proxies that fail in the ways that proxies, portals and men in the middle do; and a control server to fetch.

They run as tasks of the test's own event loop, on loopback. A behaviour is a coroutine function that is given one
accepted connection; when it returns, the connection is closed with a FIN.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from anyio.abc import SocketAttribute
from anyio.streams.tls import TLSListener

from tests.lab.webserver import LOGIN, answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import ByteStream

    from tests.lab.pki import Credentials

LOGIN_PAGE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(LOGIN)
) + LOGIN

_GONE = (
    ssl.SSLError,
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    OSError,
    anyio.IncompleteRead,
)


@dataclass
class Served:
    """A running server: where it is, and how many connections it took."""

    port: int = 0
    connections: int = 0
    asked: list[str] = field(default_factory=list)  # what it was asked to reach


@dataclass
class Link:
    """One accepted connection."""

    stream: ByteStream
    served: Served

    async def exactly(self, count: int) -> bytes:
        """Receive so many bytes."""
        data = b""
        while len(data) < count:
            data += await self.stream.receive(count - len(data))
        return data

    async def head(self) -> bytes:
        """Receive a request head."""
        data = b""
        while not data.endswith(b"\r\n\r\n"):
            data += await self.stream.receive(1)
        return data

    async def send(self, data: bytes) -> None:
        await self.stream.send(data)


@asynccontextmanager
async def serving(
    behaviour: Callable[[Link], Awaitable[None]], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Served]:
    """Serve connections on 127.0.0.1 until the block ends."""
    served = Served()

    async def handle(stream: ByteStream) -> None:
        served.connections += 1
        async with stream:
            with suppress(*_GONE):
                await behaviour(Link(stream, served))

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        served.port = listener.extra(SocketAttribute.local_port)
        async with anyio.create_task_group() as group:
            if tls is None:
                group.start_soon(listener.serve, handle)
            else:
                group.start_soon(TLSListener(listener, tls, standard_compatible=False).serve, handle)
            yield served
            group.cancel_scope.cancel()


@asynccontextmanager
async def control_web(credentials: Credentials | None, *, portal: bool = False) -> AsyncIterator[int]:
    """Run a control server with the laboratory's paths (in clear without ``credentials``); yield its port.

    As a ``portal`` it answers 200 and a login page to everything.
    """

    async def behave(link: Link) -> None:
        while True:
            head = await link.head()
            method, path, _ = head.decode("latin-1").split(" ", 2)
            length = re.search(rb"content-length: (\d+)", head.lower())
            received = len(await link.exactly(int(length[1]))) if length else 0
            status, body = (200, LOGIN) if portal else answer(method, path, received)
            content = bytes(body) if isinstance(body, int) else body
            if status == 204:
                await link.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            else:
                await link.send(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(content)))
                await link.send(content)

    async with serving(behave, tls=None if credentials is None else server_context(credentials)) as served:
        yield served.port


def server_context(credentials: Credentials) -> ssl.SSLContext:
    """Return a TLS context for a server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(credentials.chain, credentials.key)
    return context


# Behaviours that know no protocol.


async def silent(_: Link) -> None:
    """Accept, and never say a word."""
    await anyio.sleep_forever()


async def hangs_up(link: Link) -> None:
    """Read what comes first, then FIN."""
    await link.stream.receive()


def says(
    data: bytes, *, then: Callable[[Link], Awaitable[None]] | None = None
) -> Callable[[Link], Awaitable[None]]:
    """Answer ``data`` to whatever comes first, and go on with ``then`` (default: FIN)."""

    async def behave(link: Link) -> None:
        await link.stream.receive()
        await link.send(data)
        if then is not None:
            await then(link)

    return behave


def drips(first: bytes) -> Callable[[Link], Awaitable[None]]:
    """Begin an answer that never ends, one byte at a time (slow loris)."""

    async def behave(link: Link) -> None:
        await link.stream.receive()
        await link.send(first)
        while True:
            await anyio.sleep(0.02)
            await link.send(b"x")

    return behave


# What is done with an open tunnel.


async def forwards(link: Link, host: str, port: int) -> None:
    """Forward, as a proxy should."""
    await relay(link, host, port)


async def forwards_nothing(_link: Link, _host: str, _port: int) -> None:
    """Say yes and let nothing through."""
    await anyio.sleep_forever()


def redirects(to_port: int) -> Callable[[Link, str, int], Awaitable[None]]:
    """Forward to somebody else than was asked for: a man in the middle, a portal."""

    async def tunnel(link: Link, _host: str, _port: int) -> None:
        await relay(link, "127.0.0.1", to_port)

    return tunnel


def cuts_after(count: int, *, reset: bool = False) -> Callable[[Link, str, int], Awaitable[None]]:
    """Let ``count`` bytes down, then stand still, or end."""

    async def tunnel(link: Link, host: str, port: int) -> None:
        left = count

        def some(data: bytes) -> bytes:
            nonlocal left
            data = data[:left]
            left -= len(data)
            return data

        await relay(link, host, port, down=some, until=(lambda: left <= 0) if reset else None)

    return tunnel


def cuts_up_after(count: int) -> Callable[[Link, str, int], Awaitable[None]]:
    """Let ``count`` bytes up, then swallow the rest."""

    async def tunnel(link: Link, host: str, port: int) -> None:
        left = count

        def some(data: bytes) -> bytes:
            nonlocal left
            data = data[:left]
            left -= len(data)
            return data

        await relay(link, host, port, up=some)

    return tunnel


def trickles(count: int) -> Callable[[Link, str, int], Awaitable[None]]:
    """Let ``count`` bytes down at once, and a few more ever so slowly: throttling."""

    async def tunnel(link: Link, host: str, port: int) -> None:
        async with await anyio.connect_tcp(host, port) as far, anyio.create_task_group() as group:

            async def copy_up() -> None:
                with suppress(*_GONE):
                    while True:
                        await far.send(await link.stream.receive())
                group.cancel_scope.cancel()

            group.start_soon(copy_up)
            seen = 0
            with suppress(*_GONE):
                while True:
                    data = await far.receive(1000)
                    seen += len(data)
                    await link.send(data)
                    await anyio.sleep(0.02 if seen >= count else 0)
            group.cancel_scope.cancel()

    return tunnel


def corrupts(after: int) -> Callable[[Link, str, int], Awaitable[None]]:
    """Change every byte that comes down after the first ``after``."""

    async def tunnel(link: Link, host: str, port: int) -> None:
        seen = 0

        def change(data: bytes) -> bytes:
            nonlocal seen
            begin = max(after - seen, 0)
            seen += len(data)
            return data[:begin] + bytes(byte ^ 0x20 for byte in data[begin:])

        await relay(link, host, port, down=change)

    return tunnel


async def relay(
    link: Link,
    host: str,
    port: int,
    *,
    down: Callable[[bytes], bytes] = bytes,
    up: Callable[[bytes], bytes] = bytes,
    until: Callable[[], bool] | None = None,
) -> None:
    """Copy bytes both ways; ``down`` changes those to the client, ``up`` the others; end once ``until`` says so."""
    async with await anyio.connect_tcp(host, port) as far, anyio.create_task_group() as group:

        async def copy_up() -> None:
            with suppress(*_GONE):
                while True:
                    if data := up(await link.stream.receive()):
                        await far.send(data)
            group.cancel_scope.cancel()

        group.start_soon(copy_up)
        with suppress(*_GONE):
            while until is None or not until():
                if data := down(await far.receive()):
                    await link.send(data)
        group.cancel_scope.cancel()


# Proxies that speak their protocol.


def socks5(
    tunnel: Callable[[Link, str, int], Awaitable[None]] = forwards,
    *,
    password: tuple[str, str] | None = None,
    reply: int = 0,
    resolves: dict[str, str] | None = None,
) -> Callable[[Link], Awaitable[None]]:
    """A SOCKS 5 server. ``resolves`` is its name service; names not in it are 127.0.0.1."""

    async def behave(link: Link) -> None:
        methods = (await link.exactly(2))[1]
        offered = await link.exactly(methods)
        wanted = 0 if password is None else 2
        if wanted not in offered:
            return await link.send(b"\x05\xff")
        await link.send(bytes([5, wanted]))
        if password is not None:
            user = await link.exactly((await link.exactly(2))[1])
            secret = await link.exactly((await link.exactly(1))[0])
            good = (user.decode(), secret.decode()) == password
            await link.send(bytes([1, 0 if good else 1]))
            if not good:
                return None
        host, port = await _socks5_request(link)
        await link.send(bytes([5, reply, 0, 1, 0, 0, 0, 0, 0, 0]))
        if not reply:
            await tunnel(link, (resolves or {}).get(host, "127.0.0.1"), port)
        return None

    return behave


async def _socks5_request(link: Link) -> tuple[str, int]:
    kind = (await link.exactly(4))[3]
    if kind == 3:
        host = (await link.exactly((await link.exactly(1))[0])).decode()
    else:
        host = str(ipaddress.ip_address(await link.exactly(4 if kind == 1 else 16)))
    port = int.from_bytes(await link.exactly(2), "big")
    link.served.asked.append(f"{host}:{port}")
    return host, port


def socks4a(
    tunnel: Callable[[Link, str, int], Awaitable[None]] = forwards, *, code: int = 90
) -> Callable[[Link], Awaitable[None]]:
    """A SOCKS 4a server."""

    async def until_nul(link: Link) -> str:
        data = b""
        while (byte := await link.exactly(1)) != b"\0":
            data += byte
        return data.decode()

    async def behave(link: Link) -> None:
        start = await link.exactly(8)
        port = int.from_bytes(start[2:4], "big")
        await until_nul(link)
        named = start[4:7] == b"\0\0\0" and start[7]
        host = await until_nul(link) if named else str(ipaddress.ip_address(start[4:8]))
        link.served.asked.append(f"{host}:{port}")
        await link.send(bytes([0, code]) + bytes(6))
        if code == 90:
            await tunnel(link, "127.0.0.1", port)

    return behave


def http_proxy(
    tunnel: Callable[[Link, str, int], Awaitable[None]] = forwards,
    *,
    authorization: str | None = None,
    answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n",
) -> Callable[[Link], Awaitable[None]]:
    """An HTTP proxy that knows CONNECT."""

    async def behave(link: Link) -> None:
        head = (await link.head()).decode()
        target = head.split(" ")[1]
        link.served.asked.append(target)
        if authorization is not None and f"Proxy-Authorization: {authorization}\r\n" not in head:
            return await link.send(
                b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n"
                b"Content-Length: 5\r\n\r\nno no"
            )
        await link.send(answer)
        if b" 200" in answer:
            await tunnel(link, "127.0.0.1", int(target.rpartition(":")[2]))
        return None

    return behave
