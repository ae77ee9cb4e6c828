"""A resolver over QUIC for tests: DoQ and DoH3 by aioquic in front of a real resolver that answers over TCP.

No packaged server speaks either. That ours is one is shown by other clients: kdig (Knot) and dnspython ask it too.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from tests.faults.quic import Answer, configuration, dns_over_quic, http3, quic_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import trustme

    from tests.faults.quic import Behaviour, Request, Served

#: Connections to the resolver behind, at once: unbound takes ten.
AT_ONCE = 4


class Upstream:
    """Brings messages to a resolver over TCP (RFC 1035 section 4.2.2)."""

    def __init__(self, address: str, port: int = 53) -> None:
        self.address = address
        self.port = port
        self.limiter = anyio.CapacityLimiter(AT_ONCE)

    async def __call__(self, message: bytes) -> bytes:
        async with self.limiter, await anyio.connect_tcp(self.address, self.port) as stream:
            await stream.send(len(message).to_bytes(2, "big") + message)
            data = b""
            while len(data) < 2 or len(data) < 2 + int.from_bytes(data[:2], "big"):
                data += await stream.receive()
            return data[2:]


def web(answer: Callable[[bytes], Awaitable[bytes]]) -> Callable[[Request], Awaitable[Answer]]:
    """Speak RFC 8484 at /dns-query."""

    async def page(request: Request) -> Answer:
        path, _, query = request.headers[":path"].partition("?")
        message = request.body
        if request.headers[":method"] == "GET" and query.startswith("dns="):
            message = urlsafe_b64decode(query[4:] + "=" * (-len(query[4:]) % 4))
        if path != "/dns-query" or not message:
            return Answer(400)
        return Answer(body=await answer(message), headers={"content-type": "application/dns-message"})

    return page


@asynccontextmanager
async def resolver_over(
    kind: str,
    certificate: trustme.LeafCert,
    answer: Callable[[bytes], Awaitable[bytes]],
    behaviour: Behaviour | None = None,
) -> AsyncIterator[Served]:
    """Serve ``doq`` or ``doh3`` on loopback."""
    serve = dns_over_quic(answer) if kind == "doq" else http3(web(answer))
    settings = configuration(certificate, ("doq",) if kind == "doq" else ("h3",))
    async with quic_server(settings, serve, behaviour) as served:
        yield served
