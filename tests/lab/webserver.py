"""The control web server, run as a program: HTTP/1.1 in clear on port 80 and over TLS on port 443.

::

    GET  /nonce/X      200, body X
    GET  /bytes/N      200, N bytes
    GET  /status/N     status N without a body
    GET  /text         200, a fixed sentence
    GET  /login        200, a login page
    POST (any path)    200, the number of bytes received

With ``--portal`` every request gets the login page with status 200, as a captive portal would answer. Handshakes
run inside each connection's own task, so that one silent client holds up nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email.utils
import ssl
from http import HTTPStatus

TEXT = b"the control of the laboratory\n"
LOGIN = b"<!doctype html><title>Hotel network</title><form action=/login>Please sign in: <input name=room></form>\n"
LIMIT = 64 * 1024 * 1024
PIECE = 64 * 1024


def answer(method: str, path: str, received: int) -> tuple[int, bytes | int]:
    """Return the status and the body, or the number of zero bytes that are the body."""
    parts = path.partition("?")[0].split("/")[1:]
    match (method, parts):
        case ("POST", _):
            return 200, str(received).encode()
        case ("GET" | "HEAD", ["nonce", value]):
            return 200, value.encode()
        case ("GET" | "HEAD", ["bytes", number]) if number.isdigit() and int(number) <= LIMIT:
            return 200, int(number)
        case ("GET" | "HEAD", ["status", number]) if number.isdigit() and 200 <= int(number) <= 599:
            return int(number), b""
        case ("GET" | "HEAD", ["text"]):
            return 200, TEXT
        case ("GET" | "HEAD", ["login"]):
            return 200, LOGIN
    return 404, b"not here\n"


class Server:
    """Answers requests on any number of listeners."""

    def __init__(self, *, portal: bool) -> None:
        self._portal = portal

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until the client leaves."""
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; tell whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request, *lines = head.split("\r\n")
        method, path, _ = request.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        received = await _swallow(reader, headers)
        status, body = (200, LOGIN) if self._portal else answer(method, path, received)
        stays = headers.get("connection", "").lower() != "close"
        length = body if isinstance(body, int) else len(body)
        fields = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase if status in set(HTTPStatus) else 'Status'}",
            f"Date: {email.utils.formatdate(usegmt=True)}",
            "Content-Type: text/html" if body is LOGIN else "Content-Type: text/plain",
            f"Connection: {'keep-alive' if stays else 'close'}",
        ]
        if status not in (204, 304):
            fields.append(f"Content-Length: {length}")
        writer.write("\r\n".join([*fields, "", ""]).encode("latin-1"))
        if method != "HEAD" and status not in (204, 304):
            await _send(writer, body)
        await writer.drain()
        return stays


async def _swallow(reader: asyncio.StreamReader, headers: dict[str, str]) -> int:
    """Read a request body, by length or in chunks; return its size in bytes."""
    received = 0
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
            received += size
        await reader.readline()
        return received
    left = min(int(headers.get("content-length", "0")), LIMIT)
    while left and (piece := await reader.read(min(left, PIECE))):
        left -= len(piece)
        received += len(piece)
    return received


async def _send(writer: asyncio.StreamWriter, body: bytes | int) -> None:
    if isinstance(body, bytes):
        writer.write(body)
        return
    for begin in range(0, body, PIECE):
        writer.write(bytes(min(PIECE, body - begin)))
        await writer.drain()


async def main() -> None:
    """Listen until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--chain", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--portal", action="store_true")
    parser.add_argument("addresses", nargs="+")
    arguments = parser.parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(arguments.chain, arguments.key)
    context.set_alpn_protocols(["http/1.1"])
    server = Server(portal=arguments.portal)
    for address in arguments.addresses:
        await asyncio.start_server(server.serve, address, 80, backlog=200)
        await asyncio.start_server(server.serve, address, 443, ssl=context, backlog=200)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
