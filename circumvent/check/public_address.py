"""Under which address a link is seen from outside: one question to a server, and only when the user asks for it.

The server is asked at its address, over verified TLS, so that no name is looked up and no network can answer in its place.
It learns the address, which it would of any visitor, and nothing else: there is no name of ours in the request.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from circumvent.net.clock import Clock
from circumvent.net.errors import NetError
from circumvent.net.sock import Source, connect_tcp
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.net.verify import TrustStore

#: Cloudflare's page for such questions; its certificate holds these addresses (general knowledge, 2026).
SERVERS: Final = ("https://1.1.1.1/cdn-cgi/trace", "https://1.0.0.1/cdn-cgi/trace")
#: Seconds for all of it.
LONGEST: Final = 8.0
#: The longest page that is read, in bytes; it has some three hundred.
LARGEST: Final = 4096
OK: Final = 200


async def ask_public_address(
    trust: TrustStore, source: Source | None = None, servers: tuple[str, ...] = SERVERS
) -> str | None:
    """Return the address under which we are seen through ``source``; ``None`` if no server said."""
    with anyio.move_on_after(LONGEST):
        for server in servers:
            try:
                found = read_address(await _fetch(server, trust, source))
            except (NetError, OSError, EOFError, ValueError, anyio.EndOfStream, anyio.BrokenResourceError):
                continue
            if found is not None:
                return found
    return None


def seen_as(trusted: Sequence[str], interface: str | None) -> str | None:
    """Ask from code that is not asynchronous, through one interface (``None``: as packets go by themselves).

    ``trusted`` are certificates (PEM) beside the usual ones.

    :raises ValueError: when one of them can't be read.
    """
    from circumvent.net.verify import TrustStore  # noqa: PLC0415 - the crypto library, only where it is asked

    source = None if interface is None else Source(interface=interface)
    trust = TrustStore.mozilla(trusted)
    return anyio.run(lambda: ask_public_address(trust, source))


def read_address(page: bytes) -> str | None:
    """Return the address of the line ``ip=``; ``None`` if there is none, or none of the internet."""
    for line in page.decode("ascii", "replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "ip":
            try:
                found = ipaddress.ip_address(value.strip())
            except ValueError:
                return None
            return (
                str(found) if not (found.is_loopback or found.is_unspecified or found.is_multicast) else None
            )
    return None


async def _fetch(server: str, trust: TrustStore, source: Source | None) -> bytes:
    from circumvent.net.http import open_http  # noqa: PLC0415 - httpx is loaded where it is spoken
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - likewise

    url = urlsplit(server)
    host = url.hostname or ""
    trace = Trace("a0", clock=Clock(), timeouts=Timeouts(), limit=LONGEST / 2)
    async with trace.step("connect"):
        stream = await connect_tcp(host, url.port or 443, trace=trace, source=source)
    config = TlsConfig(server_name=host, verify_name=host, trust=trust, alpn=("http/1.1",))
    secure = await start_tls(stream, config, trace)
    try:
        session = open_http(secure, url=server, http2=False, trace=trace)
        response = await session.request("GET", server, max_body=LARGEST)
        return response.body if response.status == OK else b""
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(secure)
