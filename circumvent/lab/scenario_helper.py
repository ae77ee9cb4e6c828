"""Programs that a censor brings in: a man in the middle of TLS, and a box that ends every TCP connection itself.

``python -m circumvent.lab.scenario_helper SORT DIRECTORY PARENT`` serves at :data:`ADDRESSES` until it is ended:
``interceptor`` at :data:`TLS_PORT`, ``splitter`` at :data:`SPLIT_PORT`. A line on standard output says that it is ready. Whom a client meant is asked of the wire (:mod:`circumvent.lab.rules.redirect`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import sys
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.namespace import die_with_parent
from circumvent.lab.rules.redirect import ORACLE
from circumvent.lab.world.authority import Authority
from circumvent.lab.world.prepare import INTERCEPTOR

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where helpers stand: in the network of the client's provider. Scenarios write ``@helper4`` and ``@helper6``.
ADDRESSES: Final = {"@helper4": "192.58.128.200", "@helper6": "2001:503:c27::200"}
TLS_PORT: Final = 443
SPLIT_PORT: Final = 1
#: Seconds for the wire's answer, and for a connect to whom the client meant.
_PATIENCE: Final = 10.0
_PIECE: Final = 64 * 1024
_MOST_NAMES: Final = 10_000


class Interceptor:
    """Makes a certificate for every name that a client asks for."""

    def __init__(self, directory: Path) -> None:
        """Use the authority of the man in the middle in a world's directory."""
        self._authority = Authority(directory, INTERCEPTOR)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self.context = self._for("nameless.example")
        self.context.sni_callback = self._named

    def _named(self, connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        if name is not None and len(self._contexts) < _MOST_NAMES:
            connection.context = self._for(name)

    def _for(self, name: str) -> ssl.SSLContext:
        if name not in self._contexts:
            issued = self._authority.issue(name[:60], [name])
            context = self._contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(issued.chain, issued.key)
            context.set_alpn_protocols(["http/1.1"])
        return self._contexts[name]


async def meant(protocol: str, host: str, port: int) -> tuple[str, int]:
    """Ask the wire whom a client meant.

    :raises OSError: when it does not know.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((ADDRESSES["@helper4"], 0))
        sock.connect((str(ip_address(ORACLE.address)), ORACLE.port))
        await loop.sock_sendall(sock, f"{protocol} {host} {port}".encode("ascii"))
        async with asyncio.timeout(_PATIENCE):
            answer = (await loop.sock_recv(sock, 200)).decode("ascii").split()
    if len(answer) != 2:
        raise OSError("nobody knows whom this client meant")
    return answer[0], int(answer[1])


async def serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    upstream: Callable[[], ssl.SSLContext] | None,
) -> None:
    """Carry what comes to whom it was meant for, and back."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        host, port = await meant("tcp", *writer.get_extra_info("peername")[:2])
        own = ADDRESSES["@helper6" if ":" in host else "@helper4"]
        more: dict[str, Any] = {} if upstream is None else {"ssl": upstream(), "server_hostname": host}
        async with asyncio.timeout(_PATIENCE):
            far_reader, far_writer = await asyncio.open_connection(host, port, local_addr=(own, 0), **more)
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # a censor does not care
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _main(sort: str, directory: Path) -> None:
    intercepting = sort == "interceptor"
    tls = Interceptor(directory).context if intercepting else None
    port = TLS_PORT if intercepting else SPLIT_PORT
    handler = partial(serve, upstream=_unverified if intercepting else None)
    for address in ADDRESSES.values():
        await asyncio.start_server(handler, address, port, ssl=tls, backlog=256)
    print("ready", flush=True)  # noqa: T201 - this line is the interface
    await asyncio.Event().wait()


def main(arguments: list[str]) -> int:
    """Run a helper; it ends with its parent."""
    sort, directory, parent = arguments
    die_with_parent(int(parent))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(sort, Path(directory)))
    return 0


def command(sort: str, directory: str) -> list[str]:
    """Return what starts a helper as a child of this process."""
    return [sys.executable, "-m", "circumvent.lab.scenario_helper", sort, directory, str(os.getpid())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
