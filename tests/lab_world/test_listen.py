"""Connections are bounded, and nobody's fault ends the others."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world import listen
from circumvent.lab.world.listen import Listeners, splice

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PORT = 7171


async def talk(*sent: bytes) -> list[bytes]:
    answers = []
    for data in sent:
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        try:
            writer.write(data)
            writer.write_eof()
            answers.append(await reader.read())
        except OSError:
            answers.append(b"reset")
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return answers


def served(serve: listen.Serve, client: Callable[[], Awaitable[list[bytes]]]) -> list[bytes]:
    async def run() -> list[bytes]:
        listeners = Listeners()
        await listeners.tcp(["127.0.0.1"], PORT, serve)
        try:
            return await client()
        finally:
            listeners.close()
            await asyncio.sleep(0)

    return asyncio.run(run())


async def moody(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match await reader.read(1):
        case b"v":
            raise ValueError("the client's fault")
        case b"k":
            raise KeyError("ours")
        case _:
            writer.write(b"fine")


def test_a_clients_fault_is_not_told_and_ours_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    assert served(moody, lambda: talk(b"v", b"a")) == [b"", b"fine"]
    assert capfd.readouterr().err == ""
    assert served(moody, lambda: talk(b"k", b"a")) == [b"", b"fine"]
    assert "KeyError: 'ours'" in capfd.readouterr().err


def test_too_many_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "MOST_CONNECTIONS", 0)
    assert served(moody, lambda: talk(b"a"))[0] in (b"", b"reset")


def test_a_life_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def waits(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(listen, "LIFE", 0.05)
    assert served(waits, lambda: talk(b"a"))[0] in (b"", b"reset")


def test_a_splice_carries_both_ways_and_ends_with_both() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read()).upper())

    async def run() -> list[bytes]:
        listeners = Listeners()
        await listeners.tcp(["127.0.0.1"], PORT + 1, echo)

        async def through(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await splice((reader, writer), await asyncio.open_connection("127.0.0.1", PORT + 1))

        await listeners.tcp(["127.0.0.1"], PORT, through)
        try:
            return await talk(b"hello" * 100_000)
        finally:
            listeners.close()
            await asyncio.sleep(0)

    assert asyncio.run(run()) == [b"HELLO" * 100_000]


def test_a_port_that_is_taken_is_an_error() -> None:
    async def run() -> None:
        listeners = Listeners()
        try:
            await listeners.tcp(["127.0.0.1"], PORT, moody)
            await listeners.tcp(["127.0.0.1"], PORT, moody)
        finally:
            listeners.close()

    with pytest.raises(OSError, match="in use"):
        asyncio.run(run())
