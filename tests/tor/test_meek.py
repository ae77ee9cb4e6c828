"""A stream as a row of requests: what each carries, and when the next one is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net.errors import PeerError
from circumvent.net.http_types import MAX_BODY, Response
from circumvent.tor.meek import LONGEST, MeekStream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.anyio
URL = "https://host.example/"


@dataclass
class Scripted:
    """Answers as it was told, and keeps what it was asked."""

    answers: list[bytes] = field(default_factory=list)
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    sessions: set[str] = field(default_factory=set)
    closed: bool = False

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        max_body: int = MAX_BODY,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        assert (method, url, max_body, on_bytes) == ("POST", URL, LONGEST, None)
        self.sessions.add(dict(headers)["X-Session-Id"])
        self.bodies.append(body)
        return Response(self.status, (), self.answers.pop(0) if self.answers else b"", "HTTP/2", 0.0)

    async def aclose(self) -> None:
        self.closed = True


async def test_what_is_sent_leaves_with_the_next_request() -> None:
    server = Scripted([b"hello"])
    stream = MeekStream(server, URL, Random(1))
    await stream.send(b"a")
    await stream.send(b"b")
    assert server.bodies == []
    assert await stream.receive(3) == b"hel"
    assert await stream.receive() == b"lo"
    assert server.bodies == [b"ab"]
    (session,) = server.sessions
    assert len(session) == 32
    await stream.send_eof()
    await stream.aclose()
    assert server.closed


async def test_no_request_is_longer_than_64_kilobytes() -> None:
    server = Scripted([b"", b"", b"x"])
    stream = MeekStream(server, URL, Random(1))
    await stream.send(bytes(LONGEST + 5))
    assert await stream.receive() == b"x"
    assert [len(body) for body in server.bodies] == [LONGEST, 5, 0]


async def test_it_waits_longer_while_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(round(seconds, 4))

    monkeypatch.setattr(anyio, "sleep", sleep)
    stream = MeekStream(Scripted([b""] * 13 + [b"x"]), URL, Random(1))
    await stream.send(b"question")
    await stream.receive()
    assert waits[:6] == [0.0, 0.0, 0.1, 0.15, 0.225, 0.3375]
    assert waits[-1] == 5.0


@pytest.mark.parametrize(
    ("status", "error"), [(404, "http_unexpected_status_code"), (502, "origin_down"), (421, None)]
)
async def test_another_status_is_no_meek_server(status: int, error: str | None) -> None:
    stream = MeekStream(Scripted(status=status), URL, Random(1))
    with pytest.raises(PeerError) as caught:
        await stream.poll()
    assert error in (None, caught.value.error)


async def test_a_poll_tells_whether_anything_moved() -> None:
    stream = MeekStream(Scripted([b"", b"x", b""]), URL, Random(1))
    assert not await stream.poll()
    assert await stream.poll()
    await stream.send(b"y")
    assert await stream.poll()
    assert stream.requests == 3
