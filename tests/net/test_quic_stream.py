"""A QUIC stream as a byte stream: order, ends, back pressure, cancellation."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
import trustme
from aioquic.quic.events import StreamDataReceived, StreamReset

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.quic import QuicConfig, QuicLink, open_quic
from circumvent.net.quic_stream import UNSENT
from circumvent.net.sock import connect_udp
from circumvent.net.verify import TrustStore, read_pem
from tests.faults.quic import configuration, echoing, quic_server
from tests.net.record import new_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aioquic.quic.events import QuicEvent

    from tests.faults.quic import App, Connection, Serve

pytestmark = pytest.mark.anyio

NAME = "server.test"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def link_to(authority: trustme.CA, serve: Serve, window: int | None = None) -> AsyncIterator[QuicLink]:
    trust = TrustStore(read_pem(authority.cert_pem.bytes().decode()))
    settings = configuration(authority.issue_cert(NAME), ("doq",))
    if window is not None:
        settings.max_stream_data = settings.max_data = window
    trace = new_trace(limit=5.0)
    async with quic_server(settings, serve) as served:
        config = QuicConfig(server_name=NAME, verify_name=NAME, trust=trust, alpn=("doq",))
        link = await open_quic(await connect_udp("127.0.0.1", served.port, trace=trace), config, trace)
        try:
            yield link
        finally:
            await link.aclose()


async def test_bytes_come_in_pieces_no_larger_than_asked_for(authority: trustme.CA) -> None:
    async with link_to(authority, echoing) as link, await link.open_stream() as stream:
        await stream.finish(b"0123456789")

        assert [await stream.receive(4) for _ in range(3)] == [b"0123", b"4567", b"89"]
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_an_end_of_ours_leaves_the_other_direction_open(authority: trustme.CA) -> None:
    async with link_to(authority, echoing) as link, await link.open_stream() as stream:
        await stream.send(b"a")
        assert await stream.receive() == b"a"
        await stream.send(b"b")
        await stream.send_eof()
        assert await stream.receive() == b"b"
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_a_small_window_of_the_peer_is_respected(authority: trustme.CA) -> None:
    async with link_to(authority, echoing, window=20_000) as link, await link.open_stream() as stream:
        got = 0

        async def read() -> None:
            nonlocal got
            while got < 200_000:
                got += len(await stream.receive())

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await stream.finish(bytes(200_000))

    assert got == 200_000


async def test_sending_waits_where_the_peer_takes_nothing(authority: trustme.CA) -> None:
    """What is kept for a peer whose window is closed is bounded."""

    def shut(connection: Connection) -> App:
        connection.quic._write_stream_limits = lambda **_: None  # type: ignore[method-assign]  # a server that opens no window
        connection.quic._write_connection_limits = lambda **_: None  # type: ignore[method-assign]  # a server that opens no window
        return lambda _event: None

    async with link_to(authority, shut, window=20_000) as link, await link.open_stream() as stream:
        with anyio.move_on_after(0.3) as scope:
            await stream.send(bytes(2_000_000))

        assert scope.cancelled_caught
        assert link.quic.unsent(0) <= UNSENT + 20_000


async def test_a_stream_that_is_given_up_is_cancelled_with_a_code(authority: trustme.CA) -> None:
    heard: list[int] = []

    def serve(connection: Connection) -> App:
        def app(event: QuicEvent) -> None:
            if isinstance(event, StreamReset):
                heard.append(event.error_code)
            if isinstance(event, StreamDataReceived) and event.stream_id == 4:
                connection.quic.send_stream_data(4, b"x", end_stream=True)

        return app

    async with link_to(authority, serve) as link:
        first = await link.open_stream()
        await first.send(b"question")
        await first.aclose(0x3)
        await first.aclose(0x3)
        async with await link.open_stream() as second:
            await second.finish(b"another")
            await second.receive()

    assert heard == [0x3]
    for call in (first.receive, first.send_eof):
        with pytest.raises(anyio.ClosedResourceError):
            await call()


async def test_a_stream_that_the_peer_wants_no_more_of_says_so(authority: trustme.CA) -> None:
    def serve(connection: Connection) -> App:
        def app(event: QuicEvent) -> None:
            if isinstance(event, StreamDataReceived) and not event.end_stream:
                connection.quic.stop_stream(event.stream_id, 0x7)

        return app

    async with link_to(authority, serve) as link, await link.open_stream() as stream:
        with pytest.raises(PeerError) as failed:
            await stream.send(bytes(10_000_000))

    assert failed.value.error == failures.CONNECTION_RESET
