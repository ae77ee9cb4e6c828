"""STUN transactions: repetition, what is thrown away, streams."""

from __future__ import annotations

import anyio
import pytest

from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.stream import ByteStream, Datagram
from circumvent.net.stun import Class, Message, Method, encode
from circumvent.net.stun_link import DatagramLink, StreamLink, transact
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import OpenStep, Trace

pytestmark = pytest.mark.anyio

REQUEST = Message(method=Method.BINDING, kind=Class.REQUEST, transaction_id=b"transaction!")


def trace() -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts())


def answer(
    *, method: Method = Method.BINDING, kind: Class = Class.SUCCESS, transaction_id: bytes = b"transaction!"
) -> bytes:
    return encode(Message(method=method, kind=kind, transaction_id=transaction_id))


class Scripted:
    """Datagrams that arrive in order; then silence."""

    def __init__(self, *arriving: bytes) -> None:
        self.sent: list[bytes] = []
        self.arriving = list(arriving)

    async def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def receive(self) -> Datagram:
        if self.arriving:
            return Datagram(self.arriving.pop(0), 1.0)
        await anyio.sleep_forever()
        raise AssertionError

    async def aclose(self) -> None:
        pass


class ScriptedStream(ByteStream):
    """Pieces of a stream that arrive in order; then its end."""

    def __init__(self, *arriving: bytes) -> None:
        self.sent: list[bytes] = []
        self.arriving = list(arriving)

    async def send(self, item: bytes) -> None:
        self.sent.append(item)

    async def receive(self, max_bytes: int = 65536) -> bytes:  # noqa: ARG002 - the interface's
        if self.arriving:
            return self.arriving.pop(0)
        raise anyio.EndOfStream

    async def send_eof(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


async def test_what_answers_nothing_of_ours_is_thrown_away_and_counted() -> None:
    datagrams = Scripted(
        b"garbage",
        answer(transaction_id=b"another one!"),
        answer(method=Method.ALLOCATE),
        answer(kind=Class.REQUEST),
        answer(),
    )
    step = OpenStep("binding", 0.0)
    got = await transact(DatagramLink(datagrams), encode(REQUEST), trace(), step)
    assert got.message.kind is Class.SUCCESS
    assert step.detail == {"sent": 1, "ignored": 4}
    assert got.round_trip is not None


async def test_what_is_not_accepted_is_no_answer() -> None:
    datagrams = Scripted(answer(), answer(kind=Class.ERROR))
    step = OpenStep("binding", 0.0)
    got = await transact(
        DatagramLink(datagrams),
        encode(REQUEST),
        trace(),
        step,
        accept=lambda message: message.kind is Class.ERROR,
    )
    assert got.message.kind is Class.ERROR


async def test_datagrams_are_repeated_and_then_tell_no_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circumvent.net.stun_link.RTO", 0.01)
    datagrams = Scripted()
    step = OpenStep("binding", 0.0)
    with anyio.move_on_after(0.2):
        await transact(DatagramLink(datagrams), encode(REQUEST), trace(), step)
    assert 3 <= len(datagrams.sent) <= 5  # at 0, 10, 30, 70, 150 ms
    assert set(datagrams.sent) == {encode(REQUEST)}
    assert step.detail["sent"] == len(datagrams.sent)


async def test_a_stream_may_cut_an_answer_anywhere() -> None:
    whole = answer()
    stream = ScriptedStream(whole[:3], whole[3:19], whole[19:])
    step = OpenStep("binding", 0.0)
    got = await transact(StreamLink(stream, trace()), encode(REQUEST), trace(), step)
    assert got.message.kind is Class.SUCCESS
    assert len(stream.sent) == 1


async def test_a_stream_of_something_else() -> None:
    with pytest.raises(PeerError, match="no STUN"):
        await StreamLink(ScriptedStream(b"HTTP/1.1 400 Bad Request\r\n"), trace()).receive()


async def test_a_stream_that_ends() -> None:
    with pytest.raises(anyio.EndOfStream):
        await StreamLink(ScriptedStream(answer()[:10]), trace()).receive()
