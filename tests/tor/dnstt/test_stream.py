"""The stream, with what the real dnstt-server answered once, and with what no server would."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from circumvent.net.errors import PeerError
from circumvent.tor.dnstt.questions import Encoder
from circumvent.tor.dnstt.stream import DnsttStream
from circumvent.transports.tor_directory import Repeating

pytestmark = pytest.mark.anyio
RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "dnstt-server.json").read_text(encoding="ascii")
)


@dataclass
class Replayed:
    """Answers with what was recorded, then with nothing."""

    answers: list[bytes]
    sent: list[bytes] = field(default_factory=list)
    failure: Exception | None = None
    closed: bool = False

    async def send(self, message: bytes) -> None:
        self.sent.append(message)
        await anyio.lowlevel.checkpoint()

    async def receive(self) -> bytes:
        await anyio.lowlevel.checkpoint()
        if self.answers:
            return self.answers.pop(0)
        if self.failure is not None:
            raise self.failure
        await anyio.sleep_forever()
        raise AssertionError

    async def aclose(self) -> None:
        self.closed = True


def answers() -> list[bytes]:
    return [bytes.fromhex(answer) for answer in RECORDED["answers"]]


def stream_over(link: Replayed, *, key: str = RECORDED["public_key"]) -> DnsttStream:
    """Return the stream with the chance that the recorded one had."""
    chance = Random(RECORDED["seed"])
    encoder = Encoder(RECORDED["domain"], chance)
    return DnsttStream(link, encoder, server_key=bytes.fromhex(key), chance=chance, now=anyio.current_time)


async def test_what_the_real_server_said() -> None:
    link = Replayed(answers())
    stream = stream_over(link)
    heard: list[int] = []
    stream.on_heard = lambda: heard.append(stream.longest)
    assert isinstance(stream, Repeating)  # what stands still is no cut while its server is heard
    want = RECORDED["sentence"] + (RECORDED["asked"] * RECORDED["times"]).upper()
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        await stream.shake_hands()
        got = b""
        while len(got) < len(want):
            got += await stream.receive()
        group.cancel_scope.cancel()
    assert got.decode() == want
    assert stream.longest > 1000
    assert len(heard) == len(answers())
    assert stream.strays == 0
    await stream.aclose()
    assert link.closed


async def test_forged_answers_are_passed_over() -> None:
    """Anybody can send a datagram; the stream is none the worse."""
    forged = [b"", bytes(40), *answers()[:1]]
    other = Encoder("t.example.org", Random(3)).question()
    link = Replayed([*forged, other, *answers()])
    stream = stream_over(link)
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        await stream.shake_hands()
        assert (await stream.receive(3)) == RECORDED["sentence"].encode()[:3]
        group.cancel_scope.cancel()
    assert stream.strays == 3


async def test_another_server() -> None:
    stream = stream_over(Replayed(answers()), key="09" + "00" * 31)
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        with pytest.raises(PeerError) as caught:
            await stream.shake_hands()
        group.cancel_scope.cancel()
    assert caught.value.error == "wrong_key"


async def test_a_way_that_ends() -> None:
    stream = stream_over(Replayed([], failure=ConnectionResetError()))
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        with pytest.raises(ConnectionResetError):
            await stream.shake_hands()


async def test_polls_slow_down_where_nothing_comes() -> None:
    link = Replayed([])
    stream = stream_over(link)
    with anyio.move_on_after(0.05):
        await stream.run()
    assert len(link.sent) == 1  # the handshake; the first poll comes half a second later
