"""The inside of a tunnel: given these packets, expect this at the sockets."""

from __future__ import annotations

import errno
import random

import anyio
import pytest

from circumvent.net.clock import Clock
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.tunnel import Inside, TunnelFacts
from tests.faults.dns import Honest
from tests.faults.tunnel import GATEWAY, PUBLIC, FakeTunnel, Network

pytestmark = pytest.mark.anyio
HONEST = Honest()


def inside(network: Network, facts: TunnelFacts | None = None) -> Inside:
    trace = Trace("a1", clock=Clock(), timeouts=Timeouts())
    return Inside(FakeTunnel(network, trace, facts), random.Random(2))


async def test_an_echo_comes_back_once() -> None:
    echoes = inside(Network(resolvers={})).echoes(GATEWAY)
    number = await echoes.send(600)
    reply = await echoes.receive()
    assert (reply.number, reply.size) == (number, 600)
    with anyio.move_on_after(0.05) as scope:
        await echoes.receive()
    assert scope.cancelled_caught
    assert echoes.sent == 1


async def test_several_flows_share_one_reader_and_each_gets_its_own() -> None:
    within = inside(Network(resolvers={}, seconds=0.01))
    flows = [within.echoes(GATEWAY), within.echoes(PUBLIC[0]), within.echoes(PUBLIC[1])]
    got: dict[str, int] = {}

    async def one(index: int) -> None:
        echoes = flows[index]
        await echoes.send(100 + index)
        got[echoes.address] = (await echoes.receive()).size

    async with anyio.create_task_group() as group:
        for index in range(3):
            group.start_soon(one, index)
    assert got == {GATEWAY: 100, PUBLIC[0]: 101, PUBLIC[1]: 102}


async def test_a_reader_that_gives_up_hands_the_reading_on() -> None:
    within = inside(Network(resolvers={}, seconds=0.05))
    first, second = within.echoes("192.0.2.99"), within.echoes(GATEWAY)
    done = anyio.Event()

    async def waits() -> None:
        await second.receive()
        done.set()

    async with anyio.create_task_group() as group:
        with anyio.move_on_after(0.02):
            group.start_soon(waits)
            await first.receive()
        await second.send(100)
        with anyio.fail_after(2):
            await done.wait()


async def test_icmp_errors_reach_the_socket() -> None:
    within = inside(Network(resolvers={}, closed=frozenset({PUBLIC[0]})))
    datagrams = within.udp(PUBLIC[0], 53)
    await datagrams.send(b"hello")
    with pytest.raises(ConnectionRefusedError):
        await datagrams.receive()
    await datagrams.aclose()


async def test_what_a_router_says_about_sizes_is_kept() -> None:
    within = inside(Network(resolvers={}, mtu=1300, reports=True))
    echoes = within.echoes(PUBLIC[0])
    await echoes.send(1400)
    await echoes.send(200)
    assert (await echoes.receive()).size == 200
    assert echoes.mtu_said == 1300


async def test_what_belongs_to_nobody_is_ignored() -> None:
    within = inside(Network(resolvers={}))
    gone = within.echoes(GATEWAY)
    await gone.send(100)
    gone.close()
    echoes = within.echoes(GATEWAY)
    await echoes.send(100)
    await echoes.receive()
    assert within.ignored == 1


async def test_both_families_are_spoken_where_there_are_addresses() -> None:
    facts = TunnelFacts(addresses=("10.9.0.2", "fd00:9::2"))
    within = inside(Network(resolvers={}, echo=frozenset({"fd00:9::1"})), facts)
    assert within.reaches("192.0.2.1")
    echoes = within.echoes("fd00:9::1")
    await echoes.send(100)
    assert (await echoes.receive()).size == 100


async def test_without_an_address_of_that_family_nothing_is_sent() -> None:
    within = inside(Network(resolvers={}))
    assert not within.reaches("2001:db8::1")
    with pytest.raises(OSError, match="family") as raised:
        within.udp("2001:db8::1", 53)
    assert raised.value.errno == errno.EADDRNOTAVAIL
