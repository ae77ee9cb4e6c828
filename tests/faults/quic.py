"""QUIC servers for tests: one that behaves, and ones that fail in all the ways that networks and servers do.

They run as tasks of the test's own event loop, on loopback, without threads. The server side of aioquic is the state
machine; each peer address is one connection.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeAlias

import anyio
from aioquic._buffer import Buffer
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import StreamDataReceived
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation, pull_quic_header
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    import trustme
    from aioquic.quic.events import QuicEvent
    from anyio.abc import TaskGroup, UDPSocket

Address = tuple[str, int]


class App(Protocol):
    """What a server does with the events of one connection."""

    def __call__(self, event: QuicEvent) -> None: ...


@dataclass
class Connection:
    """One connection as its application sees it."""

    quic: QuicConnection
    tasks: TaskGroup
    flush: Callable[[], Awaitable[None]]

    def later(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something that waits, and send what came of it."""

        async def run() -> None:
            await work()
            await self.flush()

        self.tasks.start_soon(run)


Serve: TypeAlias = Callable[[Connection], App]


@dataclass(kw_only=True)
class Behaviour:
    """How a server misbehaves; nothing set behaves well.

    ``keep`` decides which datagrams get through: given the direction (``in``, ``out``) and a count from 0.
    ``cut_after`` falls silent after so many bytes sent; ``reset_after`` answers everything with stateless resets
    from that incoming datagram on; ``retry`` asks for address validation.
    """

    keep: Callable[[str, int], bool] = lambda _direction, _count: True
    cut_after: int | None = None
    retry: bool = False
    reset_after: int | None = None


@dataclass
class Served:
    """A running server."""

    port: int
    connections: list[QuicConnection] = field(default_factory=list)
    datagrams: list[bytes] = field(default_factory=list)


def configuration(certificate: trustme.LeafCert, alpn: tuple[str, ...]) -> QuicConfiguration:
    """Make a server configuration with a certificate."""
    chain = [x509.load_pem_x509_certificate(blob.bytes()) for blob in certificate.cert_chain_pems]
    settings = QuicConfiguration(is_client=False, alpn_protocols=list(alpn) or None)
    settings.certificate, settings.certificate_chain = chain[0], chain[1:]
    settings.private_key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    return settings


class Server:
    """One UDP socket with QUIC connections behind it."""

    def __init__(
        self,
        socket: UDPSocket,
        settings: QuicConfiguration,
        app: Serve,
        behaviour: Behaviour,
        served: Served,
        tasks: TaskGroup,
    ) -> None:
        self.socket = socket
        self.settings = settings
        self.app = app
        self.behaviour = behaviour
        self.served = served
        self.tasks = tasks
        self.open: dict[Address, tuple[QuicConnection, App]] = {}
        self.sent = 0
        self.sending = anyio.Lock()
        self.counts = {"in": 0, "out": 0}

    async def run(self) -> None:
        while True:
            timers = [timer for quic, _ in self.open.values() if (timer := quic.get_timer()) is not None]
            packet: tuple[bytes, Address] | None = None
            with anyio.CancelScope(deadline=min(timers, default=float("inf"))):
                packet = await self.socket.receive()
            if packet is not None:
                await self.take(*packet)
            now = anyio.current_time()
            for quic, _ in self.open.values():
                if (timer := quic.get_timer()) is not None and timer <= now:
                    quic.handle_timer(now)
            await self.flush()

    async def take(self, data: bytes, address: Address) -> None:
        self.served.datagrams.append(data)
        if not self.passes("in"):
            return
        if address not in self.open:
            quic = await self.accept(data, address)
            if quic is None:
                return
            self.open[address] = (quic, self.app(Connection(quic, self.tasks, self.flush)))
            self.served.connections.append(quic)
        quic, _ = self.open[address]
        if self.behaviour.reset_after is not None and self.counts["in"] > self.behaviour.reset_after:
            token = quic._host_cids[0].stateless_reset_token
            await self.socket.sendto(
                bytes([0x40 | os.urandom(1)[0] & 0x3F]) + os.urandom(24) + token, *address
            )
            return
        quic.receive_datagram(data, address, now=anyio.current_time())

    async def accept(self, data: bytes, address: Address) -> QuicConnection | None:
        header = pull_quic_header(Buffer(data=data), host_cid_length=8)
        if header.version not in self.settings.supported_versions:
            packet = encode_quic_version_negotiation(
                source_cid=header.destination_cid,
                destination_cid=header.source_cid,
                supported_versions=self.settings.supported_versions,
            )
            await self.socket.sendto(packet, *address)
            return None
        original, retried = header.destination_cid, None
        if self.behaviour.retry:
            if not header.token:
                source = os.urandom(8)
                packet = encode_quic_retry(
                    version=header.version,
                    source_cid=source,
                    destination_cid=header.source_cid,
                    original_destination_cid=header.destination_cid,
                    retry_token=header.destination_cid + source,
                )
                await self.socket.sendto(packet, *address)
                return None
            original, retried = header.token[:8], header.token[8:]
        return QuicConnection(
            configuration=self.settings,
            original_destination_connection_id=original,
            retry_source_connection_id=retried,
        )

    async def flush(self) -> None:
        async with self.sending:
            await self._flush()

    async def _flush(self) -> None:
        for quic, app in list(self.open.values()):
            while (event := quic.next_event()) is not None:
                app(event)
            for data, address in quic.datagrams_to_send(now=anyio.current_time()):
                self.sent += len(data)
                cut = self.behaviour.cut_after
                if self.passes("out") and (cut is None or self.sent <= cut):
                    await self.socket.sendto(data, *address)

    def passes(self, direction: str) -> bool:
        count = self.counts[direction]
        self.counts[direction] += 1
        return self.behaviour.keep(direction, count)


@asynccontextmanager
async def quic_server(
    settings: QuicConfiguration,
    app: Serve,
    behaviour: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[Served]:
    """Serve on a free port of loopback, or where wished."""
    async with (
        await anyio.create_udp_socket(local_host=host, local_port=port) as socket,
        anyio.create_task_group() as tasks,
    ):
        served = Served(socket.extra(anyio.abc.SocketAttribute.local_port))
        tasks.start_soon(Server(socket, settings, app, behaviour or Behaviour(), served, tasks).run)
        yield served
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def answering(answer: Callable[[bytes], list[bytes]]) -> AsyncIterator[Served]:
    """Serve a peer that speaks no QUIC: each datagram is answered with what ``answer`` gives."""
    async with (
        await anyio.create_udp_socket(local_host="127.0.0.1") as socket,
        anyio.create_task_group() as tasks,
    ):
        served = Served(socket.extra(anyio.abc.SocketAttribute.local_port))

        async def run() -> None:
            async for data, address in socket:
                served.datagrams.append(data)
                for reply in answer(data):
                    await socket.sendto(reply, *address)

        tasks.start_soon(run)
        yield served
        tasks.cancel_scope.cancel()


def doing_nothing(_connection: Connection) -> App:
    """Answer nothing."""
    return lambda _event: None


def echoing(connection: Connection) -> App:
    """Send everything back, with the FIN."""

    def app(event: QuicEvent) -> None:
        if isinstance(event, StreamDataReceived):
            connection.quic.send_stream_data(event.stream_id, event.data, end_stream=event.end_stream)

    return app


def dns_over_quic(answer: Callable[[bytes], Awaitable[bytes]]) -> Serve:
    """Speak RFC 9250; ``answer`` gives the answer to a message."""

    def serve(connection: Connection) -> App:
        asked: dict[int, bytes] = {}

        def app(event: QuicEvent) -> None:
            if not isinstance(event, StreamDataReceived):
                return
            asked[event.stream_id] = asked.get(event.stream_id, b"") + event.data
            if not event.end_stream:
                return
            number, question = event.stream_id, asked.pop(event.stream_id)
            if int.from_bytes(question[:2], "big") != len(question) - 2 or question[2:4] != bytes(2):
                connection.quic.close(error_code=0x2)  # DOQ_PROTOCOL_ERROR
                return

            async def reply() -> None:
                message = await answer(question[2:])
                data = len(message).to_bytes(2, "big") + message
                connection.quic.send_stream_data(number, data, end_stream=True)

            connection.later(reply)

        return app

    return serve


@dataclass
class Request:
    """An HTTP/3 request as it arrived."""

    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Answer:
    """What an HTTP/3 server answers.

    After ``stop_after`` bytes of body the stream is reset, or the connection closed where ``leave`` says so.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stop_after: int | None = None
    interim: bool = False
    leave: bool = False


class Http3App:
    """The application side of one HTTP/3 connection."""

    def __init__(self, connection: Connection, answer: Callable[[Request], Awaitable[Answer]]) -> None:
        self.connection = connection
        self.answer = answer
        self.h3 = H3Connection(connection.quic)
        self.requests: dict[int, Request] = {}

    def __call__(self, event: QuicEvent) -> None:
        for part in self.h3.handle_event(event):
            if isinstance(part, HeadersReceived):
                fields = {name.decode(): value.decode() for name, value in part.headers}
                self.requests[part.stream_id] = Request(fields)
            elif isinstance(part, DataReceived):
                self.requests[part.stream_id].body += part.data
            else:
                continue
            if part.stream_ended:
                self.connection.later(partial(self.reply, part.stream_id, self.requests.pop(part.stream_id)))

    async def reply(self, number: int, request: Request) -> None:
        given = await self.answer(request)
        if given.interim:
            self.h3.send_headers(number, [(b":status", b"103")])
        fields = {":status": str(given.status), "content-length": str(len(given.body)), **given.headers}
        self.h3.send_headers(number, [(name.encode(), value.encode()) for name, value in fields.items()])
        if given.stop_after is None:
            self.h3.send_data(number, given.body, end_stream=True)
            return
        self.h3.send_data(number, given.body[: given.stop_after], end_stream=False)
        await self.connection.flush()
        if given.leave:
            self.connection.quic.close(error_code=0x100)
        else:
            self.connection.quic.reset_stream(number, 0x102)


def http3(answer: Callable[[Request], Awaitable[Answer]]) -> Serve:
    """Speak HTTP/3; ``answer`` gives the answer to a request."""
    return lambda connection: Http3App(connection, answer)


def echo_dns(message: bytes) -> bytes:
    """Make a question its own answer (QR set): enough for what carries messages and does not read them."""
    return message[:2] + bytes([message[2] | 0x80]) + message[3:]
