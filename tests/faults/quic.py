"""QUIC servers for tests: one that behaves, and ones that fail in all the ways that networks and servers do.

They run as tasks of the test's own event loop, on loopback, without threads. The server side of aioquic is the state
machine; each peer address is one connection.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import anyio
from aioquic._buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import encode_quic_retry, encode_quic_version_negotiation, pull_quic_header
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import trustme
    from aioquic.quic.events import QuicEvent
    from anyio.abc import UDPSocket

Address = tuple[str, int]


class App(Protocol):
    """What a server does with the events of one connection."""

    def __call__(self, quic: QuicConnection, event: QuicEvent) -> None: ...


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
        app: Callable[[QuicConnection], App],
        behaviour: Behaviour,
        served: Served,
    ) -> None:
        self.socket = socket
        self.settings = settings
        self.app = app
        self.behaviour = behaviour
        self.served = served
        self.open: dict[Address, tuple[QuicConnection, App]] = {}
        self.sent = 0
        self.counts = {"in": 0, "out": 0}

    async def run(self) -> None:
        while True:
            timers = [timer for quic, _ in self.open.values() if (timer := quic.get_timer()) is not None]
            packet: tuple[bytes, Address] | None = None
            with anyio.move_on_at(min(timers, default=float("inf"))):
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
            self.open[address] = (quic, self.app(quic))
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
        for quic, app in list(self.open.values()):
            while (event := quic.next_event()) is not None:
                app(quic, event)
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
    app: Callable[[QuicConnection], App],
    behaviour: Behaviour | None = None,
) -> AsyncIterator[Served]:
    """Serve on a free port of 127.0.0.1."""
    async with (
        await anyio.create_udp_socket(local_host="127.0.0.1") as socket,
        anyio.create_task_group() as tasks,
    ):
        served = Served(socket.extra(anyio.abc.SocketAttribute.local_port))
        tasks.start_soon(Server(socket, settings, app, behaviour or Behaviour(), served).run)
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
