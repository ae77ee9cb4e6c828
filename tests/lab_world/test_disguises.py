"""WebTunnel's and meek's servers: what they pass on to a bridge, and what they turn away."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world.disguises import MeekServer, WebtunnelServer, inner
from circumvent.lab.world.listen import Listeners, hang_up
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HERE = "127.0.0.71"
BRIDGE, SERVER = 9101, 9102
UPGRADE = b"GET /secret HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A bridge that says everything again."""
    while data := await reader.read(4096):
        writer.write(data)


def served(
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    *,
    bridge: bool = True,
    close: Callable[[], None] = lambda: None,
) -> None:
    """Let ``talk`` talk to a server that is ``serve``, with a bridge behind it."""

    async def main() -> None:
        listeners = Listeners()
        if bridge:
            await listeners.tcp([HERE], BRIDGE, echo)
        await listeners.tcp([HERE], SERVER, serve)
        reader, writer = await asyncio.open_connection(HERE, SERVER)
        try:
            async with asyncio.timeout(20):
                await talk(reader, writer)
        finally:
            close()
            await hang_up(writer)
            listeners.close()

    asyncio.run(main())


def test_an_upgrade_opens_the_way_to_the_bridge() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UPGRADE + b"\r\n")
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"hello")
        assert await reader.readexactly(5) == b"hello"

    served(WebtunnelServer((HERE, BRIDGE)).serve, talk)


@pytest.mark.parametrize(
    "head", [b"GET /secret HTTP/1.1\r\nHost: a.example\r\n", UPGRADE + b"Sec-WebSocket-Key: abc\r\n"]
)
def test_a_page_and_a_real_websocket_are_turned_away(head: bytes) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 404 ")

    served(WebtunnelServer((HERE, BRIDGE)).serve, talk)


def test_a_bridge_that_is_gone_is_told() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(UPGRADE + b"\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 502 ")

    served(WebtunnelServer((HERE, BRIDGE)).serve, talk, bridge=False)


async def post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, session: str, body: bytes
) -> tuple[bytes, bytes]:
    """Make one request of meek; return the first line of the answer, and its body."""
    writer.write(
        f"POST / HTTP/1.1\r\nHost: a.example\r\nX-Session-Id: {session}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = (
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    )
    return head.partition(b"\r\n")[0], await reader.readexactly(length)


def test_a_session_is_one_connection_to_the_bridge() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = b""
        for piece in (b"one", b"two", b""):
            status, body = await post(reader, writer, "a", piece)
            assert b" 200 " in status
            said += body
        while said != b"onetwo":
            said += (await post(reader, writer, "a", b""))[1]
        _, body = await post(reader, writer, "b", b"")
        assert body == b""

    server = MeekServer((HERE, BRIDGE))
    served(server.serve, talk, close=server.close)


def test_a_request_without_a_session_is_a_page_that_is_not_there() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, _ = await post(reader, writer, "", b"hello")
        assert b" 404 " in status

    server = MeekServer((HERE, BRIDGE))
    served(server.serve, talk, close=server.close)


def test_meek_says_too_that_the_bridge_is_gone() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        status, _ = await post(reader, writer, "a", b"hello")
        assert b" 502 " in status

    server = MeekServer((HERE, BRIDGE))
    served(server.serve, talk, bridge=False, close=server.close)


def test_every_site_asks_at_an_address_of_its_own() -> None:
    places = [inner(server) for server in standard_world().servers]
    assert len(places) == len(set(places))
    assert all(place.startswith("127.") for place in places)
