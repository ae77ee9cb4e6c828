"""Ways to a resolver: over streams and HTTP messages come in any order, and errors where answers are waited for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import anyio
import anyio.lowlevel
import pytest
from anyio.streams.stapled import StapledObjectStream

from circumvent.names.framing import frame
from circumvent.net.errors import PeerError
from circumvent.transports.dnstt_link import AT_ONCE, MOST_IN_VAIN, DohLink, LastingLink, StreamLink

pytestmark = pytest.mark.anyio


class Pipe:
    """A stream that gives back what is sent."""

    def __init__(self) -> None:
        put, got = anyio.create_memory_object_stream[bytes](10)
        self._both = StapledObjectStream(put, got)
        self.closed = False

    async def send(self, data: bytes) -> None:
        await self._both.send(data)

    async def receive(self, _: int = 65536) -> bytes:
        return await self._both.receive()

    async def aclose(self) -> None:
        self.closed = True
        await self._both.aclose()


@dataclass
class Asked:
    """A session whose answers come when they are let go."""

    go: anyio.Event = field(default_factory=anyio.Event)
    asked: list[bytes] = field(default_factory=list)
    failure: Exception | None = None

    async def query(self, message: bytes) -> bytes:
        self.asked.append(message)
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return message[::-1]


def doh(session: Asked, group: Any, *, http2: bool = True) -> DohLink:
    return DohLink(cast("Any", session), cast("Any", Pipe()), group, http2=http2)


async def test_messages_on_a_stream() -> None:
    pipe = Pipe()
    link = StreamLink(cast("Any", pipe))
    await pipe.send(frame(bytes(12)) + frame(bytes(13))[:5])
    assert await link.receive() == bytes(12)
    await pipe.send(frame(bytes(13))[5:])
    assert await link.receive() == bytes(13)
    await link.send(bytes(14))
    assert await link.receive() == bytes(14)
    await link.aclose()
    assert pipe.closed


async def test_what_is_not_dns_on_a_stream() -> None:
    pipe = Pipe()
    await pipe.send(b"\xff\xffHTTP")
    link = StreamLink(cast("Any", pipe))
    with pytest.raises(PeerError):
        await link.receive()
    await link.aclose()


async def test_no_more_requests_at_once_than_the_real_client_has() -> None:
    session = Asked()
    async with anyio.create_task_group() as group:
        link = doh(session, group)
        for number in range(AT_ONCE + 5):
            await link.send(bytes([1, number]))
        await anyio.wait_all_tasks_blocked()
        assert len(session.asked) == AT_ONCE
        session.go.set()
        assert {await link.receive() for _ in range(AT_ONCE)} == {bytes([n, 1]) for n in range(AT_ONCE)}
        await link.send(b"ab")
        assert await link.receive() == b"ba"
        await link.aclose()


async def test_one_request_after_the_other_before_http2() -> None:
    session = Asked()
    async with anyio.create_task_group() as group:
        link = doh(session, group, http2=False)
        await link.send(b"ab")
        await link.send(b"cd")
        await anyio.wait_all_tasks_blocked()
        assert session.asked == [b"ab"]
        session.go.set()
        assert [await link.receive(), await link.receive()] == [b"ba", b"dc"]
        await link.aclose()


async def test_a_request_that_fails() -> None:
    session = Asked(failure=PeerError("http_unexpected_status_code"))
    session.go.set()
    async with anyio.create_task_group() as group:
        link = doh(session, group)
        await link.send(b"ab")
        with pytest.raises(PeerError):
            await link.receive()
        await link.send(b"cd")
        await link.aclose()  # what is still open has nobody to tell


class Ending:
    """A link that gives these messages, and then ends like this."""

    def __init__(self, *messages: bytes, end: Exception | None = None) -> None:
        self._messages = list(messages)
        self._end = end or anyio.EndOfStream()
        self.sent: list[bytes] = []
        self.closed = False

    async def send(self, message: bytes) -> None:
        await anyio.lowlevel.checkpoint()
        if self.closed:
            raise anyio.ClosedResourceError
        self.sent.append(message)

    async def receive(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        if self._messages:
            return self._messages.pop(0)
        raise self._end

    async def aclose(self) -> None:
        self.closed = True


def lasting(*links: Ending) -> LastingLink:
    first, *others = links

    async def opened() -> Ending:
        await anyio.lowlevel.checkpoint()
        return others.pop(0)

    return LastingLink(first, opened)


class TestLasting:
    """A resolver that hangs up is called again."""

    @pytest.mark.parametrize(
        "end",
        [anyio.EndOfStream(), ConnectionResetError(), anyio.ClosedResourceError(), PeerError("eof_error")],
    )
    async def test_what_has_answered_is_opened_anew_and_asked_again(self, end: Exception) -> None:
        first, second = Ending(b"a", end=end), Ending(b"b")
        link = lasting(first, second)
        await link.send(b"x")
        assert await link.receive() == b"a"
        await link.send(b"y")
        assert await link.receive() == b"b"
        assert (first.sent, second.sent, first.closed) == ([b"x", b"y"], [b"y"], True)
        await link.aclose()
        assert second.closed

    async def test_where_nothing_is_to_be_said_nothing_is_opened(self) -> None:
        first, second = Ending(b"a"), Ending(b"b")
        link = lasting(first, second)
        await link.send(b"x")
        await link.receive()
        got: list[bytes] = []

        async def receive() -> None:
            got.append(await link.receive())

        async with anyio.create_task_group() as group:
            group.start_soon(receive)
            await anyio.wait_all_tasks_blocked()
            assert not first.closed
            await link.send(b"y")
        assert (got, second.sent) == ([b"b"], [b"y"])

    async def test_what_never_answered_is_not(self) -> None:
        link = lasting(Ending(), Ending(b"b"))
        await link.send(b"x")
        with pytest.raises(anyio.EndOfStream):
            await link.receive()

    async def test_what_the_peer_did_wrong_is_told(self) -> None:
        link = lasting(Ending(b"a", end=PeerError("http_unexpected_status_code")), Ending(b"b"))
        await link.receive()
        with pytest.raises(PeerError):
            await link.receive()

    async def test_it_is_not_done_for_ever(self) -> None:
        link = lasting(Ending(b"a"), *(Ending() for _ in range(MOST_IN_VAIN + 1)))
        await link.receive()
        await link.send(b"x")
        with pytest.raises(anyio.EndOfStream):
            await link.receive()
