"""A byte stream inside obfs4: there and back in every mode, and what ends it."""

from __future__ import annotations

import os
import time
from random import SystemRandom
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.tor.obfs4 import framing
from circumvent.tor.obfs4.stream import Obfs4Stream, open_obfs4
from tests.faults.obfs4 import Obfs4Server, Session
from tests.faults.proxy import serving

if TYPE_CHECKING:
    from anyio.abc import ByteStream

    from circumvent.tor.obfs4.handshake import Keys

pytestmark = pytest.mark.anyio


async def opened(
    server: Obfs4Server, stream: ByteStream, iat_mode: int = 0, *, identity: bytes | None = None
) -> tuple[Obfs4Stream, Keys]:
    return await open_obfs4(
        stream,
        node_id=server.node_id,
        identity=identity or server.public_key,
        iat_mode=iat_mode,
        now=time.time,
        chance=SystemRandom(),
        account=Trace("a1", clock=Clock(), timeouts=Timeouts()),
    )


@pytest.mark.parametrize("iat_mode", [0, 1, 2])
async def test_there_and_back(iat_mode: int) -> None:
    server, sent = Obfs4Server(), os.urandom(5000)
    async with serving(server.serve) as served, await anyio.connect_tcp("127.0.0.1", served.port) as below:
        stream, _ = await opened(server, below, iat_mode)
        await stream.send(sent)
        received = b""
        while len(received) < len(sent):
            received += await stream.receive(700)
        await stream.aclose()
    assert received == sent


@pytest.mark.parametrize("hours", [-1, 0, 1])
async def test_the_hour_of_the_server_is_told(hours: int) -> None:
    server = Obfs4Server(hours_ahead=hours)
    async with serving(server.serve) as served, await anyio.connect_tcp("127.0.0.1", served.port) as below:
        _, keys = await opened(server, below)
    assert keys.hours_ahead == hours


async def test_a_server_that_talks_on_without_the_key() -> None:
    server = Obfs4Server()

    async def babble(link: object) -> None:
        assert hasattr(link, "send")
        await link.send(os.urandom(9000))
        await anyio.sleep_forever()

    async with serving(babble) as served, await anyio.connect_tcp("127.0.0.1", served.port) as below:
        with pytest.raises(PeerError) as caught:
            await opened(server, below)
    assert caught.value.error == "wrong_key"


async def test_a_frame_that_nobody_sealed_ends_it() -> None:
    async def rubbish(session: Session) -> None:
        await session.link.send(os.urandom(3000))
        await anyio.sleep_forever()

    server = Obfs4Server(then=rubbish)
    async with serving(server.serve) as served, await anyio.connect_tcp("127.0.0.1", served.port) as below:
        stream, _ = await opened(server, below)
        with pytest.raises(PeerError) as caught:
            await stream.receive()
    assert caught.value.error == "wrong_answer"


async def test_packets_of_no_use_are_passed_over_and_the_end_is_the_end() -> None:
    async def padding_and_strangers(session: Session) -> None:
        frames = (
            session.encoder.encode(b"", padding=700),
            session.encoder.encode(b"what", kind=9),
            session.encoder.encode(b"short", kind=framing.SEED),
            session.encoder.encode(b"hello"),
        )
        await session.link.send(b"".join(frames))

    server = Obfs4Server(then=padding_and_strangers)
    async with serving(server.serve) as served, await anyio.connect_tcp("127.0.0.1", served.port) as below:
        stream, _ = await opened(server, below)
        assert await stream.receive() == b"hello"
        await stream.send_eof()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
