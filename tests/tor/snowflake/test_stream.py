"""A stream through one proxy, against a server in this process: token, id, packets, KCP, smux.

The real server: ``tests/transports/test_snowflake_daemons.py``.
"""

from __future__ import annotations

import math
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net.errors import PeerError
from circumvent.tor.snowflake import stream as module
from circumvent.tor.snowflake.encapsulation import Decapsulator, encapsulate
from circumvent.tor.snowflake.stream import TOKEN, SnowflakeStream
from circumvent.tor.turbotunnel.kcp import Kcp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@dataclass
class Channel:
    """A data channel in memory; what is sent is kept, what :meth:`say` is given is received."""

    sent: list[bytes] = field(default_factory=list)
    closed: bool = False

    def __post_init__(self) -> None:
        self._put, self._get = anyio.create_memory_object_stream[bytes](math.inf)

    async def send(self, message: bytes) -> None:
        if self.closed:
            raise anyio.EndOfStream
        self.sent.append(message)
        await anyio.lowlevel.checkpoint()

    async def receive(self) -> bytes:
        return await self._get.receive()

    async def aclose(self) -> None:
        self.closed = True
        self._put.close()
        self._get.close()

    def say(self, message: bytes) -> None:
        self._put.send_nowait(message)

    def end(self) -> None:
        self._put.close()


@dataclass
class Server:
    """What a snowflake server does with one session, as far as it is needed here: it echoes."""

    channel: Channel
    kcp: Kcp | None = None
    data: bytearray = field(default_factory=bytearray)
    frames: list[tuple[int, int, bytes]] = field(default_factory=list)
    seen: int = 2  # token and id

    def __post_init__(self) -> None:
        self._packets = Decapsulator()

    def turn(self) -> None:
        """Take what was sent, and answer."""
        for message in self.channel.sent[self.seen :]:
            for packet in self._packets.feed(message):
                if self.kcp is None:
                    self.kcp = Kcp(struct.unpack_from("<I", packet)[0], packet_bytes=1400, window=2048)
                self.kcp.feed(packet, anyio.current_time())
        self.seen = max(len(self.channel.sent), 2)
        if self.kcp is None:
            return
        self.data += self.kcp.take()
        while len(self.data) >= 8:
            _, command, length, number = struct.unpack_from("<BBHI", self.data)
            if len(self.data) < 8 + length:
                break
            body = bytes(self.data[8 : 8 + length])
            del self.data[: 8 + length]
            self.frames.append((command, number, body))
            if command == 2:
                self.kcp.send(struct.pack("<BBHI", 2, 2, length, number) + body)
        for packet in self.kcp.packets(anyio.current_time()):
            self.channel.say(bytes.fromhex("03") + b"pad" + encapsulate(packet))

    async def serve(self) -> None:
        while not self.channel.closed:
            self.turn()
            await anyio.sleep(0.001)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[SnowflakeStream, Channel, Server]]:
    channel = Channel()
    server = Server(channel)
    stream = SnowflakeStream(channel, chance=Random(1), now=anyio.current_time)
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        group.start_soon(server.serve)
        try:
            with anyio.fail_after(10):
                yield stream, channel, server
        finally:
            await stream.aclose()
        group.cancel_scope.cancel()


async def received(stream: SnowflakeStream, count: int) -> bytes:
    data = b""
    while len(data) < count:
        data += await stream.receive()
    return data


async def test_what_is_sent_comes_back() -> None:
    async with opened() as (stream, channel, server):
        await stream.send(b"hello")
        assert await received(stream, 5) == b"hello"
        big = Random(2).randbytes(200_000)
        await stream.send(big)
        assert await received(stream, len(big)) == big
        assert channel.sent[0] == TOKEN
        assert len(channel.sent[1]) == 8
        assert [frame[:2] for frame in server.frames[:2]] == [(0, 3), (2, 3)]
        await stream.send_eof()
    assert channel.closed


async def test_every_session_has_an_id_of_its_own() -> None:
    ids = set()
    for seed in range(5):
        channel = Channel()
        stream = SnowflakeStream(channel, chance=Random(seed), now=anyio.current_time)
        async with anyio.create_task_group() as group:
            group.start_soon(stream.run)
            with anyio.fail_after(5):
                while len(channel.sent) < 2:
                    await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        await stream.aclose()
        ids.add(channel.sent[1])
    assert len(ids) == 5


async def test_the_server_ends_the_stream() -> None:
    async with opened() as (stream, _, server):
        await stream.send(b"x")
        assert await received(stream, 1) == b"x"
        assert server.kcp is not None
        server.kcp.send(struct.pack("<BBHI", 2, 1, 0, 3))
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_the_proxy_is_gone() -> None:
    async with opened() as (stream, channel, _):
        await stream.send(b"x")
        assert await received(stream, 1) == b"x"
        channel.end()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


@pytest.mark.parametrize(
    "message",
    [
        bytes.fromhex("c08080"),
        encapsulate(b"short"),
        encapsulate(struct.pack("<IBBHIIII", 7, 81, 0, 9, 0, 0, 0, 0)),
    ],
)
async def test_what_is_not_snowflakes(message: bytes) -> None:
    async with opened() as (stream, channel, _):
        channel.say(message)
        with pytest.raises(PeerError):
            await stream.receive()
        with pytest.raises(PeerError):
            await received(stream, 1)


async def test_a_quiet_session_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEEP_ALIVE", 0.02)
    async with opened() as (_, _, server):
        with anyio.fail_after(5):
            while (3, 0, b"") not in server.frames:
                await anyio.lowlevel.checkpoint()
