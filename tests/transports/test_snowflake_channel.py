"""The data channel: what is offered, who is connected to, and how it ends. The other end is aiortc's own.

The authors' proxy: ``test_snowflake_daemons.py``.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import aioice.ice
import anyio
import pytest

from circumvent.model import failure as failures
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import PeerError
from circumvent.net.stun import Address
from circumvent.tor.snowflake.sdp import read_answer
from circumvent.transports import snowflake_channel as module
from circumvent.transports.snowflake_channel import DataChannel
from tests.faults.snowflake import StunServer, Volunteer, stun_servers
from tests.names.tries import NoNames
from tests.transports.tor_context import context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from circumvent.tor.snowflake.sdp import Description
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio
LOOPBACK = "127.0.0.1"
OUTSIDE = Address(ipaddress.ip_address("203.0.113.7"), 4000)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the other end, which takes every address that this machine has, have one."""
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: [LOOPBACK])


def outside(_: tuple[str, int]) -> Address:
    return OUTSIDE


@asynccontextmanager
async def channels(*, private: bool = True) -> AsyncIterator[tuple[DataChannel, Volunteer, Context]]:
    """A channel of ours, with a STUN server that sees us behind a NAT, and somebody who answers."""
    dialer = DirectDialer(NoNames(), policy=Policy(allow_private=private))
    given = replace(context(), dialer=dialer)
    async with stun_servers(StunServer(LOOPBACK, outside)) as places:
        channel, volunteer = DataChannel(places, dialer, given), Volunteer()
        try:
            with anyio.fail_after(20):
                yield channel, volunteer, given
        finally:
            with anyio.CancelScope(shield=True):
                await channel.aclose()
                await volunteer.aclose()


async def opened(channel: DataChannel, volunteer: Volunteer) -> Description:
    proxy = read_answer(await volunteer.answer(await channel.offer()))
    await channel.connect(proxy)
    await channel.shake_hands(proxy)
    await channel.open(proxy)
    return proxy


async def test_what_is_sent_comes_back() -> None:
    async with channels() as (channel, volunteer, given):
        await opened(channel, volunteer)
        assert volunteer.channel is None or re.fullmatch(r"snowflake-[0-9a-f]{16}", volunteer.channel.label)
        for message in (b"a", b"b" * 60_000):
            await channel.send(message)
            assert await channel.receive() == message
        assert given.trace.bytes_sent > 60_000
        assert given.trace.bytes_received > 60_000


async def test_an_offer_tells_where_we_are_from_outside() -> None:
    async with channels() as (channel, _, _):
        offer = await channel.offer()
        said = read_answer(offer)
        assert [(one.type, one.host) for one in said.candidates][-1] == ("srflx", str(OUTSIDE.ip))
        assert ("host", LOOPBACK) in [(one.type, one.host) for one in said.candidates]
        assert (len(said.ufrag), len(said.password)) == (16, 32)
        assert len(said.fingerprints) == 1


async def test_addresses_of_the_own_network_are_not_told() -> None:
    async with channels(private=False) as (channel, _, _):
        offer = await channel.offer()
        assert LOOPBACK not in offer
        assert [one.host for one in read_answer(offer).candidates] == [str(OUTSIDE.ip)]


async def test_no_stranger_makes_us_knock_in_the_own_network() -> None:
    """A proxy's answer names an address of ours: nothing is sent there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind((LOOPBACK, 0))
        door.setblocking(False)
        async with channels(private=False) as (channel, volunteer, _):
            proxy = read_answer(await volunteer.answer(await channel.offer()))
            here = replace(proxy.candidates[0], host=LOOPBACK, port=door.getsockname()[1])
            with pytest.raises(TimeoutError):
                await channel.connect(replace(proxy, candidates=(here,)))
        with pytest.raises(BlockingIOError):
            door.recv(100)


async def test_a_proxy_out_of_reach() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind((LOOPBACK, 0))
        async with channels() as (channel, volunteer, _):
            proxy = read_answer(await volunteer.answer(await channel.offer()))
            there = replace(proxy.candidates[0], port=nobody.getsockname()[1])
            await volunteer.aclose()  # else it would come to us
            with pytest.raises(TimeoutError), anyio.fail_after(0.5):
                await channel.connect(replace(proxy, candidates=(there,)))


async def test_a_proxy_with_another_certificate() -> None:
    async with channels() as (channel, volunteer, _):
        proxy = read_answer(await volunteer.answer(await channel.offer()))
        await channel.connect(proxy)
        another = tuple((kind, value[::-1]) for kind, value in proxy.fingerprints)
        with pytest.raises(PeerError) as raised:
            await channel.shake_hands(replace(proxy, fingerprints=another))
        assert raised.value.error == failures.WRONG_KEY


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Little room for messages that nobody reads."""
    monkeypatch.setattr(module, "MOST_HELD", 1000)
    return iter(())


@pytest.mark.usefixtures("small")
async def test_a_proxy_that_floods() -> None:
    async with channels() as (channel, volunteer, _):
        await opened(channel, volunteer)
        await channel.send(b"x" * 800)
        await channel.send(b"y" * 800)
        while not channel._flooded:
            await anyio.lowlevel.checkpoint()
        assert await channel.receive() == b"x" * 800
        with pytest.raises(PeerError) as raised:
            await channel.receive()
        assert raised.value.error == failures.WRONG_ANSWER


async def test_a_proxy_that_leaves() -> None:
    async with channels() as (channel, volunteer, _):
        await opened(channel, volunteer)
        await channel.send(b"x")
        assert await channel.receive() == b"x"
        await volunteer.aclose()
        with pytest.raises(anyio.EndOfStream):
            await channel.receive()
        with pytest.raises(anyio.EndOfStream):
            await channel.send(b"y")


async def test_a_channel_that_is_never_used_is_closed() -> None:
    async with channels() as (channel, _, _):
        await channel.aclose()
        with pytest.raises(anyio.EndOfStream):
            await channel.send(b"x")
