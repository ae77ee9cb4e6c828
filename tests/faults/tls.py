"""TLS and HTTP servers that fail in the ways that servers and networks do.

They run as tasks of the test's own event loop, on loopback, without threads. A behaviour is a coroutine function
that is given one accepted connection (:class:`Link`) and does with it what it likes; when it returns, the connection
is closed with a FIN, and without a close_notify unless it sent one.
"""

from __future__ import annotations

import fcntl
import socket
import ssl
import struct
import termios
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import h2.config
import h2.connection
import h2.events
from anyio.abc import SocketAttribute, SocketStream

if TYPE_CHECKING:
    from tests.lab.pki import Credentials

#: What a server answers when nothing is wrong.
BODY = b"hello"
GOOD_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + BODY


class Gone(Exception):
    """The client has left."""


@dataclass
class Link:
    """One accepted connection, with the server side of TLS at hand."""

    stream: SocketStream
    context: ssl.SSLContext
    served: Served
    incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)

    def __post_init__(self) -> None:
        self.tls = self.context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    async def raw(self) -> bytes:
        """Receive bytes as they come from the wire."""
        try:
            data = await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            raise Gone from None
        self.served.received += data
        return data

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        with suppress(anyio.BrokenResourceError):
            await self.stream.send(data)

    async def flight(self) -> bytes:
        """Read a ClientHello and return the server's first flight, not sent yet."""
        while True:
            self.incoming.write(await self.raw())
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            if self.outgoing.pending:
                return self.outgoing.read()

    async def handshake(self) -> None:
        """Shake hands as a server should."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.flush()
                self.incoming.write(await self.raw())
            except ssl.SSLError:
                await self.flush()
                raise Gone from None
            else:
                return await self.flush()

    async def flush(self) -> None:
        """Send what OpenSSL wrote."""
        if self.outgoing.pending:
            await self.send_raw(self.outgoing.read())

    async def read(self) -> bytes:
        """Return application bytes; empty after the client's close_notify."""
        while True:
            try:
                data = self.tls.read(65536)
            except ssl.SSLWantReadError:
                self.incoming.write(await self.raw())
            except ssl.SSLError:
                await self.flush()
                raise Gone from None
            else:
                self.served.application += data
                return data

    async def write(self, data: bytes) -> None:
        """Send application bytes."""
        if data:
            self.tls.write(data)
        await self.flush()

    async def request(self) -> bytes:
        """Shake hands and read one HTTP/1.1 request head."""
        await self.handshake()
        return await self.next_request()

    async def next_request(self) -> bytes:
        """Read one HTTP/1.1 request head and its body."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = await self.read()
            if not piece:
                raise Gone
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        left = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
        while left > 0:
            piece = await self.read()
            if not piece:
                raise Gone
            left -= len(piece)
        return head

    async def close_notify(self) -> None:
        """Say goodbye in TLS."""
        with suppress(ssl.SSLError):
            self.tls.unwrap()
        await self.flush()

    async def reset(self) -> None:
        """Close with an RST."""
        raw = self.stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if (transport := getattr(self.stream, "_transport", None)) is not None:
            transport.abort()  # with asyncio anyio before 4.16 sends a FIN first, whatever it is asked for
        await anyio.aclose_forcefully(self.stream)

    async def delivered(self) -> None:
        """Wait until the client's kernel has everything: an RST would throw the rest away."""
        raw = self.stream.extra(SocketAttribute.raw_socket)
        while struct.unpack("i", fcntl.ioctl(raw.fileno(), termios.TIOCOUTQ, bytes(4)))[0]:
            await anyio.lowlevel.checkpoint()

    async def stall(self) -> None:
        """Say nothing more, and stay."""
        await anyio.sleep_forever()


Behaviour = Callable[[Link], Awaitable[None]]


@dataclass
class Served:
    """A running server, and everything it was sent."""

    port: int
    received: bytes = b""
    application: bytes = b""
    connections: int = 0
    ended: anyio.Event = field(default_factory=anyio.Event)


def context_for(
    credentials: Credentials,
    *,
    version: ssl.TLSVersion | None = None,
    alpn: tuple[str, ...] = ("http/1.1",),
    client_ca: str | None = None,
) -> ssl.SSLContext:
    """Make a server's context; ``client_ca`` (a PEM text) makes it demand a client certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(credentials.chain, credentials.key)
    context.set_alpn_protocols(list(alpn))
    if version is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca)
    return context


@asynccontextmanager
async def serve(behaviour: Behaviour, context: ssl.SSLContext) -> AsyncIterator[Served]:
    """Listen on a free port of 127.0.0.1 and treat every connection as ``behaviour`` says."""
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        served = Served(listener.extra(SocketAttribute.local_port))

        async def handle(stream: SocketStream) -> None:
            served.connections += 1
            async with stream:
                link = Link(stream, context, served)
                with suppress(Gone, anyio.ClosedResourceError):
                    await behaviour(link)
                with suppress(Gone, OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    await stream.send_eof()  # a close with bytes unread would be an RST
                    while True:
                        await link.raw()
            served.ended.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            yield served
            tasks.cancel_scope.cancel()


# Before and during the handshake.


async def silent(link: Link) -> None:
    """Accept and say nothing."""
    await link.stall()


async def reset_on_accept(link: Link) -> None:
    """Hang up before a byte was read."""
    await link.reset()


async def fin_on_accept(_link: Link) -> None:
    """Close in order before a byte was read."""


async def reset_on_hello(link: Link) -> None:
    """Answer the ClientHello with an RST."""
    await link.raw()
    await link.reset()


async def fin_on_hello(link: Link) -> None:
    """Answer the ClientHello with a FIN."""
    await link.raw()


async def stall_on_hello(link: Link) -> None:
    """Take the ClientHello and fall silent."""
    await link.raw()
    await link.stall()


async def stall_after_server_hello(link: Link) -> None:
    """Send the first record of the answer (the ServerHello) and fall silent."""
    flight = await link.flight()
    await link.send_raw(flight[: 5 + int.from_bytes(flight[3:5])])
    await link.stall()


async def half_hello_then_stall(link: Link) -> None:
    """Send the first forty bytes of the answer and fall silent."""
    await link.send_raw((await link.flight())[:40])
    await link.stall()


async def half_hello_then_reset(link: Link) -> None:
    """Send the first forty bytes of the answer and reset, once the client has them."""
    await link.send_raw((await link.flight())[:40])
    await link.delivered()
    await link.reset()


async def half_hello_then_fin(link: Link) -> None:
    """Send the first forty bytes of the answer and close."""
    await link.send_raw((await link.flight())[:40])


async def garbage(link: Link) -> None:
    """Answer with bytes that are no TLS."""
    await link.raw()
    await link.send_raw(b"\x93\x11\xfa\x07" * 40)


async def plain_http(link: Link) -> None:
    """Answer a ClientHello in plain HTTP, as portals and block pages do."""
    await link.raw()
    await link.send_raw(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n")


async def ssh_banner(link: Link) -> None:
    """Be another service."""
    await link.send_raw(b"SSH-2.0-OpenSSH_9.9\r\n")
    await link.raw()


def alert(number: int) -> Behaviour:
    """Answer the ClientHello with a fatal alert."""

    async def behave(link: Link) -> None:
        await link.raw()
        await link.send_raw(bytes((21, 3, 3, 0, 2, 2, number)))

    return behave


async def alert_then_reset(link: Link) -> None:
    """Send handshake_failure with an RST behind it."""
    await link.raw()
    await link.send_raw(bytes((21, 3, 3, 0, 2, 2, 40)))
    await link.reset()


async def answer(link: Link) -> None:
    """Behave: answer every request."""
    await link.request()
    while True:
        await link.write(GOOD_ANSWER)
        await link.next_request()


# After the handshake.


async def reset_after_handshake(link: Link) -> None:
    """Reset when the request has come."""
    await link.request()
    await link.reset()


async def fin_after_handshake(link: Link) -> None:
    """Close without close_notify when the request has come."""
    await link.request()


async def close_notify_after_handshake(link: Link) -> None:
    """Say goodbye in place of an answer."""
    await link.request()
    await link.close_notify()


async def close_notify_at_once(link: Link) -> None:
    """Say goodbye right after the handshake."""
    await link.handshake()
    await link.close_notify()
    await link.read()


async def stall_after_handshake(link: Link) -> None:
    """Take the request and fall silent."""
    await link.request()
    await link.stall()


async def broken_record(link: Link) -> None:
    """Answer with a record that does not decrypt."""
    await link.request()
    await link.send_raw(b"\x17\x03\x03\x00\x20" + bytes(32))
    await link.raw()


def says(data: bytes) -> Behaviour:
    """Answer the request with these bytes, and close in order."""

    async def behave(link: Link) -> None:
        await link.request()
        await link.write(data)
        await link.close_notify()

    return behave


def status(code: int, body: bytes = b"") -> Behaviour:
    """Answer every request with this status."""
    head = f"HTTP/1.1 {code} Whatever\r\nContent-Length: {len(body)}\r\n\r\n".encode()

    async def behave(link: Link) -> None:
        await link.request()
        while True:
            await link.write(head + body)
            await link.next_request()

    return behave


def cut_body(count: int, end: str, length: int = 100_000) -> Behaviour:
    """Promise a body of ``length`` bytes, send ``count`` of them, then ``fin``, ``reset``, ``notify`` or ``stall``."""

    async def behave(link: Link) -> None:
        await link.request()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
        await link.write(head + bytes(count))
        if end == "reset":
            await link.delivered()
            await link.reset()
        elif end == "notify":
            await link.close_notify()
        elif end == "stall":
            await link.stall()

    return behave


async def endless_headers(link: Link) -> None:
    """Send header fields without end."""
    await link.request()
    await link.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        await link.write(b"X-Filler: " + b"x" * 8000 + b"\r\n")


async def endless_body(link: Link) -> None:
    """Send a body without end."""
    await link.request()
    await link.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await link.write(bytes(16384))


# HTTP/2.


def http2(react: Callable[[h2.connection.H2Connection, int], None]) -> Behaviour:
    """Speak HTTP/2 and let ``react`` do what it likes with each request (connection, stream number)."""

    async def behave(link: Link) -> None:
        await link.handshake()
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        await link.write(connection.data_to_send())
        while data := await link.read():
            if connection.state_machine.state is h2.connection.ConnectionState.CLOSED:
                continue
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    react(connection, event.stream_id)
                if isinstance(event, h2.events.DataReceived):
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            await link.write(connection.data_to_send())

    return behave


def good_http2(connection: h2.connection.H2Connection, stream: int) -> None:
    """Answer with 200 and the usual body."""
    connection.send_headers(stream, [(":status", "200")])
    connection.send_data(stream, BODY, end_stream=True)


def goaway(connection: h2.connection.H2Connection, _stream: int) -> None:
    """Refuse the whole connection: GOAWAY with ENHANCE_YOUR_CALM."""
    connection.close_connection(error_code=0xB, last_stream_id=0)


def reset_stream(connection: h2.connection.H2Connection, stream: int) -> None:
    """Refuse one request: RST_STREAM with REFUSED_STREAM."""
    connection.reset_stream(stream, error_code=0x7)


def cut_http2(connection: h2.connection.H2Connection, stream: int) -> None:
    """Begin a body and reset the stream."""
    connection.send_headers(stream, [(":status", "200")])
    connection.send_data(stream, bytes(1000))
    connection.reset_stream(stream, error_code=0x2)
