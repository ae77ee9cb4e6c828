"""HTTP/3 against servers that behave and servers that do not: requests, bodies, and how they end."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import pytest
import trustme
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import HeadersReceived

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.http3 import ALPN, LONGEST_HEADERS, Http3Session
from circumvent.net.http_types import BodyCut, BodyTooLong
from circumvent.net.quic import QuicConfig, open_quic
from circumvent.net.sock import connect_udp
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore, read_pem
from tests.faults.quic import Answer, Behaviour, Request, configuration, doing_nothing, http3, quic_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aioquic.quic.events import QuicEvent

    from tests.faults.quic import App, Connection

pytestmark = pytest.mark.anyio

NAME = "web.test"
URL = f"https://{NAME}"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def site(request: Request) -> Answer:
    """Answer by path."""
    path = request.headers[":path"]
    if path.startswith("/bytes/"):
        return Answer(body=bytes(int(path[7:])))
    if path == "/echo":
        return Answer(body=request.body, headers={"x-method": request.headers[":method"]})
    if path == "/head":
        text = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
        return Answer(body=text.encode())
    if path == "/interim":
        return Answer(body=b"final", interim=True)
    if path == "/reset":
        return Answer(body=bytes(50_000), stop_after=20_000)
    if path == "/short":
        return Answer(body=bytes(30_000), headers={"content-length": "50000"})
    if path == "/leave":
        return Answer(body=bytes(50_000), stop_after=20_000, leave=True)
    if path == "/many-headers":
        return Answer(headers={f"x-{number}": "y" * 1000 for number in range(1 + LONGEST_HEADERS // 1000)})
    return Answer(404, b"not here")


@asynccontextmanager
async def session(
    authority: trustme.CA,
    serve: Callable[[Connection], App] | None = None,
    behaviour: Behaviour | None = None,
) -> AsyncIterator[tuple[Http3Session, Trace]]:
    trust = TrustStore(read_pem(authority.cert_pem.bytes().decode()))
    trace = Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=5.0)
    settings = configuration(authority.issue_cert(NAME), (ALPN,))
    async with quic_server(settings, serve or http3(site), behaviour) as served:
        config = QuicConfig(server_name=NAME, verify_name=NAME, trust=trust, alpn=(ALPN,))
        link = await open_quic(await connect_udp("127.0.0.1", served.port, trace=trace), config, trace)
        http = Http3Session(link)
        try:
            yield http, trace
        finally:
            await http.aclose()


async def test_a_page_is_fetched(authority: trustme.CA) -> None:
    arrivals: list[int] = []
    async with session(authority) as (http, trace):
        response = await http.request("GET", f"{URL}/bytes/70000", on_bytes=arrivals.append)

    assert (response.status, response.version, len(response.body)) == (200, "HTTP/3", 70_000)
    assert response.header("content-length") == "70000"
    assert sum(arrivals) == 70_000
    assert len(arrivals) > 10
    assert trace.steps[0].t <= response.first_byte <= trace.clock.now()
    assert trace.proof is Proof.HANDSHAKEN


async def test_a_request_says_no_more_than_it_must(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        response = await http.request(
            "GET", "https://user:secret@web.test:8443/head?", headers=[("X-Own", "1")]
        )

    lines = response.body.decode().splitlines()
    assert lines == [
        ":method: GET",
        ":scheme: https",
        ":authority: web.test:8443",
        ":path: /head",
        "accept: */*",
        "accept-encoding: identity",
        "x-own: 1",
    ]


async def test_requests_share_a_connection(authority: trustme.CA) -> None:
    sizes = [10, 50_000, 0, 100_000, 1]
    got: dict[int, int] = {}
    async with session(authority) as (http, trace):

        async def one(size: int) -> None:
            got[size] = len((await http.request("GET", f"{URL}/bytes/{size}")).body)

        async with anyio.create_task_group() as tasks:
            for size in sizes:
                tasks.start_soon(one, size)

    assert got == {size: size for size in sizes}
    assert [step.name for step in trace.steps] == ["quic_handshake"]


@pytest.mark.parametrize("size", [0, 5, 16_384, 400_000])
async def test_uploads_arrive_whole(authority: trustme.CA, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    async with session(authority) as (http, _):
        response = await http.request("POST", f"{URL}/echo", body=body)

    assert response.header("x-method") == "POST"
    assert response.body == body


async def test_settings_that_come_with_the_handshake_are_kept(authority: trustme.CA) -> None:
    """A server may speak first, in the very datagram that ends the handshake."""
    async with session(authority) as (http, _):
        await http.request("GET", f"{URL}/bytes/1")

        assert http._h3.received_settings is not None


async def test_an_early_answer_does_not_stop_an_upload(authority: trustme.CA) -> None:
    """What is measured is that the bytes went up, whatever the server thinks of them."""

    def serve(connection: Connection) -> App:
        h3 = H3Connection(connection.quic)

        def app(event: QuicEvent) -> None:
            for part in h3.handle_event(event):
                if isinstance(part, HeadersReceived):
                    h3.send_headers(part.stream_id, [(b":status", b"200")], end_stream=True)

        return app

    async with session(authority, serve) as (http, trace):
        response = await http.request("POST", f"{URL}/", body=bytes(100_000))

    assert response.status == 200
    assert trace.bytes_sent > 100_000


async def test_an_upload_ends_when_the_server_wants_no_more(authority: trustme.CA) -> None:
    def serve(connection: Connection) -> App:
        h3 = H3Connection(connection.quic)

        def app(event: QuicEvent) -> None:
            for part in h3.handle_event(event):
                if isinstance(part, HeadersReceived):
                    h3.send_headers(part.stream_id, [(b":status", b"413")], end_stream=True)
                    connection.quic.stop_stream(part.stream_id, 0x100)

        return app

    async with session(authority, serve) as (http, trace):
        response = await http.request("POST", f"{URL}/", body=bytes(3_000_000))

    assert response.status == 413
    assert trace.bytes_sent < 1_000_000


async def test_interim_answers_are_passed_over(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        response = await http.request("GET", f"{URL}/interim")

    assert (response.status, response.body) == (200, b"final")


async def test_another_status_is_an_answer(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        assert (await http.request("GET", f"{URL}/nowhere")).status == 404


async def test_a_body_beyond_the_limit_is_stopped(authority: trustme.CA) -> None:
    async with session(authority) as (http, trace):
        with pytest.raises(BodyTooLong) as failed:
            await http.request("GET", f"{URL}/bytes/3000000", max_body=10_000)
        assert failed.value.response is not None
        assert failed.value.response.body == bytes(10_000)

        assert (await http.request("GET", f"{URL}/bytes/10")).status == 200
        assert trace.bytes_received < 3_000_000


async def test_a_head_beyond_the_limit_is_no_answer(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        with pytest.raises(PeerError) as failed:
            await http.request("GET", f"{URL}/many-headers")

    assert failed.value.error == failures.WRONG_ANSWER


async def test_a_stream_reset_inside_the_body_is_a_cut(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        with pytest.raises(BodyCut) as failed:
            await http.request("GET", f"{URL}/reset")

    assert failed.value.error == failures.TRUNCATED
    assert 0 < failed.value.received <= 20_000


async def test_a_body_shorter_than_promised_is_a_cut(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        with pytest.raises(BodyCut) as failed:
            await http.request("GET", f"{URL}/short")

    assert 0 < failed.value.received <= 30_000


async def test_a_close_inside_the_body_is_a_cut(authority: trustme.CA) -> None:
    async with session(authority) as (http, _):
        with pytest.raises(BodyCut) as failed:
            await http.request("GET", f"{URL}/leave")

    assert 0 < failed.value.received <= 20_000


async def test_a_close_before_the_answer_is_told_as_it_was(authority: trustme.CA) -> None:
    def serve(connection: Connection) -> App:
        def app(event: object) -> None:
            if getattr(event, "end_stream", False):
                connection.quic.close(error_code=0x107)

        return app

    async with session(authority, serve) as (http, _):
        with pytest.raises(PeerError) as failed:
            await http.request("GET", f"{URL}/")

    assert failed.value.error == failures.CONNECTION_ABORTED


async def test_a_server_that_stalls_is_waited_for_no_longer_than_the_caller_likes(
    authority: trustme.CA,
) -> None:
    async with session(authority, doing_nothing) as (http, _):
        with anyio.move_on_after(0.2) as scope:
            await http.request("GET", f"{URL}/")

    assert scope.cancelled_caught


async def test_frames_that_are_no_http_are_a_wrong_answer(authority: trustme.CA) -> None:
    def serve(connection: Connection) -> App:
        def app(event: object) -> None:
            if getattr(event, "end_stream", False) and getattr(event, "stream_id", 1) == 0:
                connection.quic.send_stream_data(0, b"HTTP/1.1 200 OK\r\n\r\n", end_stream=True)

        return app

    async with session(authority, serve) as (http, _):
        with pytest.raises(PeerError) as failed:
            await http.request("GET", f"{URL}/")

    assert failed.value.error == failures.WRONG_ANSWER


@pytest.mark.parametrize("url", ["http://web.test/", "https:///x", "https://wéb.test/", "web.test"])
async def test_an_url_that_is_none_is_refused_before_anything_is_sent(
    authority: trustme.CA, url: str
) -> None:
    async with session(authority) as (http, _):
        with pytest.raises(ValueError, match="https://"):
            await http.request("GET", url)


async def test_a_path_that_loses_packets_still_brings_the_page(authority: trustme.CA) -> None:
    behaviour = Behaviour(keep=lambda _direction, count: count % 7 != 5)
    async with session(authority, None, behaviour) as (http, _):
        response = await http.request("GET", f"{URL}/bytes/65536")

    assert len(response.body) == 65_536
