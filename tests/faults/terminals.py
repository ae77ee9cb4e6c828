"""Satellite terminals of the tests' own that are no dishes: Starlink's router, and pages in clear and with a certificate.

The router's answers are written by Google's protobuf library; that it is a faithful server of gRPC is for gRPC's own client to
say. The pages are invented: no terminal was at hand.
"""

from __future__ import annotations

import datetime as dt
import ssl
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.abc
from anyio.streams.tls import TLSListener
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from circumvent.lab.world.dish import Grpc
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.satellite.page import HTTP, HTTPS
from circumvent.satellite.router import ROUTER_PORT
from tests.faults.dish import Dish
from tests.satellite.messages import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from anyio.abc import ByteStream

_GONE: Final = (
    anyio.EndOfStream,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    ssl.SSLError,
    ValueError,
    OSError,
)


def router_status(**fields: Any) -> bytes:
    """Return a ``Response`` with a router's status. By default there is a dish behind it, and all is well."""
    well: dict[str, Any] = {
        "ipv4_wan_address": "100.77.1.2",
        "dish_ping_latency_ms": 1.5,
        "pop_ping_drop_rate": 0.0,
        "pop_ping_latency_ms": 33.0,
        "dish_id": "ut01000000-00000000-00abcdef",
        "dish_disablement_code": 1,
    }
    chosen = {name: value for name, value in {**well, **fields}.items() if value is not None}
    return bytes(make("Response", wifi_get_status=chosen).SerializeToString())


#: The states of a router.
ROUTERS: Final = {
    "well": router_status(),
    "no dish": router_status(
        dish_ping_latency_ms=None, pop_ping_latency_ms=None, pop_ping_drop_rate=None, no_wan_link=True
    ),
    "account inactive": router_status(dish_disablement_code=2),
    "nothing but its name": bytes([0xE2, 0xBB, 0x01, 0x00]),  # field 3004, empty
}


@dataclass
class Front:
    """A first page: its title, its headers, and what it was asked."""

    title: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    asked: list[bytes] = field(default_factory=list)

    def answer(self) -> bytes:
        """Return the whole response."""
        body = self.body if self.body is not None else f"<html><title>{self.title}</title>".encode()
        told = {"Content-Length": str(len(body)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        return f"HTTP/1.1 {self.status} -\r\n{lines}\r\n".encode() + body


def terminal_option(address: str = "127.0.0.1", port: int = HTTP) -> Option:
    """Return the option for a terminal at an address."""
    return Option(
        id="satellite-terminal-test",
        kind="satellite-terminal",
        label="terminal",
        endpoint=Endpoint(host=address, port=port),
        origin=Origin(source="argument"),
    )


@asynccontextmanager
async def serving_router(answer: bytes = ROUTERS["well"], address: str = "127.0.0.1") -> AsyncIterator[Dish]:
    """Serve a router until the block ends; it notes what it is asked."""
    router = Dish(answer, past=None)

    async def speak(stream: ByteStream) -> None:
        grpc = Grpc(router)
        await stream.send(grpc.start())
        while True:
            await stream.send(grpc.feed(await stream.receive()))

    async with _serving({ROUTER_PORT: speak}, address):
        yield router


@asynccontextmanager
async def serving_page(
    web: Front, address: str = "127.0.0.1", *, certificate: ssl.SSLContext | None = None
) -> AsyncIterator[Front]:
    """Serve a page in clear, or with a certificate on 443 alone."""

    async def speak(stream: ByteStream) -> None:
        while True:
            data = b""
            while b"\r\n\r\n" not in data:
                data += await stream.receive()
            web.asked.append(data.partition(b"\r\n")[0])
            await stream.send(web.answer())

    port = HTTP if certificate is None else HTTPS
    async with _serving({port: speak}, address, certificate):
        yield web


@asynccontextmanager
async def _serving(
    ports: dict[int, Callable[[ByteStream], Awaitable[None]]],
    address: str,
    certificate: ssl.SSLContext | None = None,
) -> AsyncIterator[None]:
    def handled(
        speak: Callable[[ByteStream], Awaitable[None]],
    ) -> Callable[[ByteStream], Awaitable[None]]:
        async def handle(stream: ByteStream) -> None:
            async with stream:
                with suppress(*_GONE):
                    await speak(stream)

        return handle

    async with AsyncExitStack() as stack:
        listeners = []
        for port, speak in ports.items():
            listener: Any = await anyio.create_tcp_listener(local_host=address, local_port=port)
            if certificate is not None:
                listener = TLSListener(listener, certificate, standard_compatible=False)
            listeners.append((await stack.enter_async_context(listener), speak))
        group = await stack.enter_async_context(anyio.create_task_group())
        for listener, speak in listeners:
            group.start_soon(listener.serve, handled(speak))
        yield
        group.cancel_scope.cancel()


def certificate(folder: Path, organisation: str, name: str = "192.168.0.1") -> ssl.SSLContext:
    """Return a server's context with a certificate that names a maker, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "terminal.pem", folder / "terminal.key"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    return context
