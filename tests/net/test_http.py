"""HTTP over our own stream: one connection, several requests, nothing sent that nobody asked for."""

from __future__ import annotations

import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
from anyio.abc import ByteStream
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.net.errors import PeerError
from circumvent.net.http import HttpSession, open_http
from circumvent.net.http_types import BodyCut, BodyTooLong
from circumvent.net.sock import connect_tcp
from circumvent.net.tls import TlsConfig, TrustStore, start_tls
from tests.faults import tls as faults
from tests.net.record import new_trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.faults.tls import Behaviour, Link, Served
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio

NAME = "lab.example"
URL = f"https://{NAME}/page?x=1"


@asynccontextmanager
async def session(
    behaviour: Behaviour, pki: Pki, *, http2: bool = False
) -> AsyncIterator[tuple[HttpSession, Served]]:
    """Open a session with a server that behaves like this."""
    trace = new_trace()
    alpn = ("h2",) if http2 else ("http/1.1",)
    how = TlsConfig(
        server_name=NAME, verify_name=NAME, alpn=alpn, trust=TrustStore.mozilla([pki.authority.pem])
    )
    async with faults.serve(behaviour, faults.context_for(pki.good, alpn=alpn)) as served:
        raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
        stream = await start_tls(raw, how, trace)
        http = open_http(stream, url=URL, http2=http2, trace=trace)
        try:
            yield http, served
        finally:
            await http.aclose()


async def test_a_request_says_no_more_than_it_must(pki: Pki) -> None:
    async with session(faults.answer, pki) as (http, served):
        response = await http.request("GET", URL)
    assert (response.status, response.body, response.version) == (200, b"hello", "HTTP/1.1")
    assert response.headers == (("content-length", "5"),)
    assert response.first_byte > 0
    lines = served.application.decode().split("\r\n")
    assert lines[0] == "GET /page?x=1 HTTP/1.1"
    fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines[1:] if line}
    assert fields == {"host": NAME, "accept": "*/*", "accept-encoding": "identity"}


async def test_get_and_post_share_one_connection(pki: Pki) -> None:
    async with session(faults.answer, pki) as (http, served):
        for _ in range(3):
            assert (await http.request("GET", URL)).body == b"hello"
        assert (await http.request("POST", URL, body=b"u" * 16384)).body == b"hello"
        assert (await http.request("POST", URL, body=b"")).status == 200
    assert served.connections == 1
    assert served.application.count(b"u") >= 16384
    assert b"content-length: 16384" in served.application.lower()
    assert b"transfer-encoding" not in served.application.lower()


async def test_headers_given_replace_ours(pki: Pki) -> None:
    async with session(faults.answer, pki) as (http, served):
        await http.request("GET", URL, headers=(("Accept", "application/dns-message"),))
    assert served.application.lower().count(b"accept:") == 1


async def test_http2_answers_several_requests_at_once(pki: Pki) -> None:
    bodies: list[bytes] = []
    async with session(faults.http2(faults.good_http2), pki, http2=True) as (http, served):

        async def one() -> None:
            response = await http.request("GET", URL)
            assert response.version == "HTTP/2"
            bodies.append(response.body)

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(one)
        assert (await http.request("POST", URL, body=bytes(200_000))).body == b"hello"
    assert bodies == [b"hello"] * 5
    assert served.connections == 1


async def test_redirects_and_cookies_are_left_alone(pki: Pki) -> None:
    said = b"HTTP/1.1 302 Found\r\nLocation: https://other.example/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"

    async def redirect(link: Link) -> None:
        await link.request()
        while True:
            await link.write(said)
            await link.next_request()

    async with session(redirect, pki) as (http, served):
        response = await http.request("GET", URL)
        assert (response.status, response.header("location")) == (302, "https://other.example/")
        await http.request("GET", URL)
    assert b"cookie" not in served.application.lower()


async def test_bytes_are_told_as_they_come_and_a_cut_says_how_many(pki: Pki) -> None:
    told: list[int] = []
    async with session(faults.cut_body(20_000, "fin"), pki) as (http, _):
        with pytest.raises(BodyCut) as caught:
            await http.request("GET", URL, on_bytes=told.append)
    assert sum(told) == caught.value.received == 20_000
    assert caught.value.__cause__ is not None


async def test_a_long_body_stops_and_its_beginning_is_kept(pki: Pki) -> None:
    async with session(faults.endless_body, pki) as (http, _):
        with pytest.raises(BodyTooLong) as caught:
            await http.request("GET", URL, max_body=1000)
    assert caught.value.response is not None
    assert caught.value.response.body == bytes(1000)
    assert caught.value.response.status == 200


async def test_a_body_that_is_too_long_by_one(pki: Pki) -> None:
    async with session(faults.answer, pki) as (http, _):
        assert (await http.request("GET", URL, max_body=5)).body == b"hello"
        with pytest.raises(BodyTooLong):
            await http.request("GET", URL, max_body=4)


async def test_nothing_is_decompressed(pki: Pki) -> None:
    """A small answer must not become a large one."""
    said = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    async with session(faults.says(said), pki) as (http, _):
        assert (await http.request("GET", URL)).body == b"\x1f\x8b\x08\x00"


async def test_a_close_delimited_body_ends_with_close_notify_only(pki: Pki) -> None:
    """RFC 9112 section 9.8: without close_notify nobody knows whether that was all."""
    async with session(faults.says(b"HTTP/1.1 200 OK\r\n\r\nall of it"), pki) as (http, _):
        assert (await http.request("GET", URL)).body == b"all of it"

    async def no_goodbye(link: Link) -> None:
        await link.request()
        await link.write(b"HTTP/1.1 200 OK\r\n\r\nall of it?")

    async with session(no_goodbye, pki) as (http, _):
        with pytest.raises(BodyCut):
            await http.request("GET", URL)


async def test_too_many_headers_are_no_answer(pki: Pki) -> None:
    said = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"Content-Length: 0\r\n\r\n"
    async with session(faults.says(said), pki) as (http, _):
        with pytest.raises(PeerError, match="wrong_answer: too many headers"):
            await http.request("GET", URL)


async def test_an_answer_before_the_upload_is_read(pki: Pki) -> None:
    """A server that refuses early and hangs up is still heard."""

    async def early(link: Link) -> None:
        await link.handshake()
        await link.read()
        await link.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await link.close_notify()

    async with session(early, pki) as (http, _):
        assert (await http.request("POST", URL, body=bytes(100_000))).status == 413


async def test_a_request_after_the_server_left_is_an_end(pki: Pki) -> None:
    async with session(faults.says(faults.GOOD_ANSWER), pki) as (http, served):
        await http.request("GET", URL)
        with pytest.raises((PeerError, OSError)):
            await http.request("GET", URL)
        assert served.connections == 1


class Scripted(ByteStream):
    """A connection on which everything the server will ever say is known."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._said:
            raise anyio.EndOfStream
        data, self._said = self._said[:max_bytes], self._said[max_bytes:]
        return data

    async def send(self, item: bytes) -> None:
        """Take what the client says."""

    async def send_eof(self) -> None:
        """Take its end."""

    async def aclose(self) -> None:
        """Close."""


def fetch_scripted(said: bytes, *, http2: bool) -> None:
    """Make a request to a server that says this, whatever it is asked."""

    async def fetch() -> None:
        http = open_http(Scripted(said), url=URL, http2=http2, trace=new_trace())
        try:
            await http.request("POST", URL, body=b"x" * 100, max_body=1000)
        except (PeerError, OSError):
            return
        finally:
            await http.aclose()

    anyio.run(fetch)


class OneAtATime(ByteStream):
    """An HTTP/2 server that answers one request at a time, and refuses what came beside it before it said so."""

    def __init__(self) -> None:
        self._server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self._server.initiate_connection()
        self._server.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 1})
        self._open: list[int] = []
        self._come = anyio.Event()
        self.refused = 0

    async def send(self, item: bytes) -> None:
        for event in self._server.receive_data(item):
            if isinstance(event, h2.events.RequestReceived) and self._open:
                self._server.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                self.refused += 1
            elif isinstance(event, h2.events.RequestReceived):
                self._open.append(event.stream_id)
        self._come.set()
        await anyio.lowlevel.checkpoint()

    async def receive(self, max_bytes: int = 65536) -> bytes:  # noqa: ARG002 - as much as there is, which is little
        while not (data := self._server.data_to_send()):
            if self._open:
                number = self._open.pop()
                self._server.send_headers(number, [(":status", "200")])
                self._server.send_data(number, b"page", end_stream=True)
                continue
            self._come = anyio.Event()
            await self._come.wait()
        return bytes(data)

    async def send_eof(self) -> None:
        """Take its end."""

    async def aclose(self) -> None:
        """Close."""


async def test_requests_do_not_wait_for_the_settings_and_bear_being_refused() -> None:
    server = OneAtATime()
    http = open_http(server, url=URL, http2=True, trace=new_trace())
    answers = []

    async def one() -> None:
        answers.append(await http.request("POST", URL, body=b"question"))

    with anyio.fail_after(10):
        for _ in range(2):
            async with anyio.create_task_group() as group:
                for _ in range(5):
                    group.start_soon(one)
    await http.aclose()
    assert [answer.body for answer in answers] == [b"page"] * 10
    assert 0 < server.refused < 5  # of the first five alone: for the second five the limit was known


#: The beginning of what an HTTP/2 server says: SETTINGS, and the head of a response (":status: 200").
SETTINGS = b"\0\0\0\x04\0\0\0\0\0"
HEAD = b"\0\0\x01\x01\x04\0\0\0\x01\x88"
FRAMES = st.builds(
    lambda kind, flags, stream, body: (
        len(body).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + body
    ),
    st.integers(0, 12),
    st.integers(0, 255),
    st.sampled_from([0, 1, 2, 3]),
    st.binary(max_size=40),
)


@settings(deadline=None)
@given(st.lists(FRAMES, max_size=4), st.booleans())
def test_any_frames_end_in_an_error_of_ours(frames: list[bytes], head: bool) -> None:
    fetch_scripted(SETTINGS + (HEAD if head else b"") + b"".join(frames), http2=True)


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]),
)
def test_any_bytes_end_in_an_error_of_ours(said: bytes, begin: bytes) -> None:
    fetch_scripted(begin + said, http2=False)


@pytest.mark.parametrize("url", ["", "lab.example", "ftp://lab.example/", "https://", "https://a\n.b/"])
async def test_what_is_no_url_is_refused(url: str, pki: Pki) -> None:
    async with session(faults.answer, pki) as (http, _):
        with pytest.raises(ValueError, match="URL"):
            await http.request("GET", url)


def test_the_engines_are_imported_in_one_module_only() -> None:
    """Who exchanges httpx for its successor changes one file."""
    from pathlib import Path

    import circumvent

    root = Path(circumvent.__file__).parent
    places = [
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if any(line.startswith(("import httpx", "import httpcore", "from httpx", "from httpcore"))
               for line in map(str.strip, path.read_text("utf-8").splitlines()))
    ]  # fmt: skip
    assert places == ["net/http.py"]


def test_tls_does_not_load_http() -> None:
    code = (
        "import sys, circumvent.net.tls; print([m for m in ('httpx', 'httpcore', 'h2') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
