"""Many questions on one stream or socket: whoever waits reads for all, and nobody gets another's answer."""

from __future__ import annotations

import random
import subprocess
import sys

import anyio
import pytest
from anyio.abc import ByteStream

from circumvent.model.words import Proof
from circumvent.names.exchange import DatagramExchange, StreamExchange
from circumvent.names.framing import frame
from circumvent.names.message import make_query
from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace

pytestmark = pytest.mark.anyio
SOURCE = random.Random(11)


def trace() -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts())


def question(name: str = "a.example") -> bytes:
    return make_query(name, "A", random=SOURCE).wire


def answer(query: bytes) -> bytes:
    return query[:2] + bytes([query[2] | 0x80]) + query[3:]


class Pipe(ByteStream):
    """A stream whose other end is the test's: ``sent`` holds what was asked, ``say`` answers."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.send_stream, self.receive_stream = anyio.create_memory_object_stream[bytes](100)

    async def send(self, item: bytes) -> None:
        self.sent.append(item[2:])

    async def receive(self, max_bytes: int = 65536) -> bytes:  # noqa: ARG002 - the interface's
        return await self.receive_stream.receive()

    async def send_eof(self) -> None: ...

    async def aclose(self) -> None:
        self.send_stream.close()
        self.receive_stream.close()

    def say(self, *answers: bytes) -> None:
        self.send_stream.send_nowait(b"".join(map(frame, answers)))


async def test_answers_in_any_order_find_their_questions() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    queries = [question(f"q{number}.example") for number in range(10)]
    found: dict[bytes, bytes] = {}

    async def ask(query: bytes) -> None:
        found[query] = await exchange.query(query)

    async with pipe, anyio.create_task_group() as group:
        for query in queries:
            group.start_soon(ask, query)
        await anyio.wait_all_tasks_blocked()
        for query in reversed(pipe.sent):
            pipe.say(answer(query))
    assert found == {query: answer(query) for query in queries}


async def test_equal_ids_are_told_apart() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    first, second = question("a.example"), question("b.example")
    second = first[:2] + second[2:]
    found: list[bytes] = []

    async def ask(query: bytes) -> None:
        found.append(await exchange.query(query))

    async with pipe, anyio.create_task_group() as group:
        group.start_soon(ask, first)
        group.start_soon(ask, second)
        await anyio.wait_all_tasks_blocked()
        assert len({query[:2] for query in pipe.sent}) == 2
        pipe.say(*map(answer, pipe.sent))
    assert sorted(found) == sorted([answer(first), answer(second)])


async def test_a_late_answer_to_a_question_given_up_is_no_error() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    async with pipe:
        with anyio.move_on_after(0.01):
            await exchange.query(question())
        second = question()

        async def ask() -> None:
            assert await exchange.query(second) == answer(second)

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            pipe.say(answer(pipe.sent[0]), answer(pipe.sent[1]))


async def test_when_the_reader_is_cancelled_another_reads_on() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    second = question()
    scope = anyio.CancelScope()
    found: list[bytes] = []

    async def given_up() -> None:
        with scope:
            await exchange.query(question())

    async def ask() -> None:
        found.append(await exchange.query(second))

    async with pipe, anyio.create_task_group() as group:
        group.start_soon(given_up)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
        await anyio.wait_all_tasks_blocked()
        pipe.say(answer(pipe.sent[1]))
    assert found == [answer(second)]


async def test_an_end_reaches_everybody_who_waits() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    ended = 0

    async def ask() -> None:
        nonlocal ended
        with pytest.raises(anyio.EndOfStream):
            await exchange.query(question())
        ended += 1

    async with pipe, anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        pipe.send_stream.close()
    assert ended == 3


async def test_an_id_that_nobody_used_ends_the_exchange() -> None:
    pipe = Pipe()
    exchange = StreamExchange(pipe, trace(), Proof.REACHED)
    async with pipe, anyio.create_task_group() as group:

        async def ask() -> None:
            with pytest.raises(PeerError, match="query_id"):
                await exchange.query(question())

        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        wrong = bytes([pipe.sent[0][0] ^ 0xFF]) + pipe.sent[0][1:]
        pipe.say(answer(wrong))


class Datagrams:
    """A datagram socket whose other end is the test's."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.send_stream, self.receive_stream = anyio.create_memory_object_stream[Datagram](100)

    async def send(self, data: bytes) -> None:
        self.sent.append(data)

    async def receive(self) -> Datagram:
        return await self.receive_stream.receive()

    async def aclose(self) -> None:
        self.send_stream.close()
        self.receive_stream.close()

    def say(self, data: bytes, arrived: float = 1.0) -> None:
        self.send_stream.send_nowait(Datagram(data, arrived))


async def test_strays_do_not_keep_the_right_answer_away() -> None:
    datagrams = Datagrams()
    exchange = DatagramExchange(datagrams, trace())
    query = question()
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            assert await exchange.query(query) == answer(query)

        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        datagrams.say(b"")
        datagrams.say(b"\x00" * 40)
        datagrams.say(answer(question("other.example")))
        datagrams.say(answer(query[:2] + question("other.example")[2:]))
        datagrams.say(answer(query))
    assert exchange.strays == 4
    await datagrams.aclose()


async def test_a_stray_of_before_does_not_shorten_the_next_question() -> None:
    datagrams = Datagrams()
    exchange = DatagramExchange(datagrams, trace())
    first, second = question(), question()
    async with anyio.create_task_group() as group:
        group.start_soon(exchange.query, first)
        await anyio.wait_all_tasks_blocked()
        datagrams.say(b"stray")
        datagrams.say(answer(first))
    with anyio.move_on_after(0.05) as scope:
        await exchange.query(second)
    assert scope.cancelled_caught
    await datagrams.aclose()


async def test_second_answers_are_kept_and_bounded() -> None:
    datagrams = Datagrams()
    exchange = DatagramExchange(datagrams, trace())
    query = question()
    for _ in range(60):
        datagrams.say(answer(query))
    await exchange.query(query)
    await exchange.listen(0.01)
    assert 0 < len(exchange.seconds) <= 32
    assert exchange.seconds[0].query == query
    await datagrams.aclose()


def test_nothing_of_dnspython_is_loaded_before_a_connection_is_open() -> None:
    modules = ["dot", "doh", "dns_plain"]
    code = "import sys\n" + "\n".join(f"import circumvent.transports.{name}" for name in modules)
    code += "\nimport circumvent.names.plan, circumvent.names.chain, circumvent.names.honesty"
    code += "\nassert not [name for name in sys.modules if name.split('.')[0] in ('dns', 'httpx', 'cryptography')]"
    subprocess.run([sys.executable, "-c", code], check=True)
