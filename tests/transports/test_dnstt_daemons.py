"""dnstt bridges against the real dnstt-server before a real tor, through a real unbound: expect this record."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model.words import Proof
from circumvent.transports.dnstt_keyless import LENGTHS, TYPES
from tests.lab.dnstt import DEAD_DOMAIN, NO_DOMAIN
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from circumvent.model.option import Option
    from tests.lab.dnstt import DnsttBridge

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "unbound", "dnstt-server"),
]


def option(given: DnsttBridge, line: str) -> Option:
    """Return the option of a line, where names lead to the bridge's resolver."""
    made = bridge(line)
    if made.endpoint.literal:
        return made
    place = replace(made.endpoint, addresses=(given.address,))
    return replace(made, endpoint=place, ca=given.ca_file.read_text(encoding="ascii"))


@pytest.mark.parametrize("resolver", ["udp", "dot", "doh"])
async def test_it_works_and_lasts(dnstt_bridge: DnsttBridge, resolver: str) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(resolver)), context())
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert "TXT" in detail_of(attempt, "recursion")["types"]
    assert detail_of(attempt, "tunnel_handshake")["authenticated"] is True
    assert detail_of(attempt, "sustain_down")["bytes"] >= 65536
    assert detail_of(attempt, "sustain_up")["bytes"] >= 16384


async def test_its_server_asked_without_a_resolver(dnstt_bridge: DnsttBridge) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line("direct")), context(goal=Proof.CARRIED))
    assert attempt.failure is None
    assert attempt.proof is Proof.CARRIED


@asynccontextmanager
async def bad_line(address: str, *, delay: float, loss: float) -> AsyncIterator[int]:
    """Pass datagrams on to a resolver and back, late and not all of them; yield the port."""
    chance = Random(1)
    async with (
        await anyio.create_udp_socket(socket.AF_INET, local_host="127.0.0.1") as near,
        await anyio.create_connected_udp_socket(address, 53) as far,
        anyio.create_task_group() as group,
    ):
        places: list[tuple[str, int]] = []

        turn = anyio.Lock()

        async def late(send: Callable[[], Awaitable[None]]) -> None:
            await anyio.sleep(delay)
            async with turn:
                await send()

        def passed(send: Callable[[], Awaitable[None]]) -> None:
            if chance.random() >= loss:
                group.start_soon(late, send)

        async def out() -> None:
            async for data, place in near:
                places[:] = [place]
                passed(partial(far.send, data))

        async def back() -> None:
            async for data in far:
                passed(partial(near.sendto, data, *places[0]))

        group.start_soon(out)
        group.start_soon(back)
        yield near.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


@pytest.mark.parametrize(("delay", "loss"), [(0.05, 0.0), (0.05, 0.03), (0.2, 0.0)])
async def test_a_line_that_is_slow_and_loses(dnstt_bridge: DnsttBridge, delay: float, loss: float) -> None:
    async with bad_line(dnstt_bridge.address, delay=delay, loss=loss) as port:
        line = dnstt_bridge.line().replace(f"udp={dnstt_bridge.address}:53", f"udp=127.0.0.1:{port}")
        attempt = await try_once(bridge(line), context())
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED


@pytest.mark.parametrize("resolver", ["udp", "dot", "doh"])
async def test_another_key_meets_silence(dnstt_bridge: DnsttBridge, resolver: str) -> None:
    """Its server does not answer who shakes hands with another key; that it is the key, the questions after it show.

    Over a connection the resolver hangs up meanwhile, because nothing comes for it to pass on.
    """
    line = dnstt_bridge.line(resolver, key=bytes.fromhex("09" + "00" * 31))
    attempt = await try_once(option(dnstt_bridge, line), context(limit=6.0))
    assert failure_of(attempt) == ("noise_handshake", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED
    assert detail_of(attempt, "questions") == {"denied": True, "types": list(TYPES), "names": list(LENGTHS)}


async def test_another_bridge_behind_it(dnstt_bridge: DnsttBridge) -> None:
    line = dnstt_bridge.line().replace(dnstt_bridge.bridge.fingerprint, "0" * 40)
    attempt = await try_once(option(dnstt_bridge, line), context())
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")


async def test_a_resolver_that_finds_no_server(dnstt_bridge: DnsttBridge) -> None:
    """It tries for longer than we wait, until it has given the server up."""
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(domain=DEAD_DOMAIN)), context(limit=2.0))
    assert failure_of(attempt) in [
        ("recursion", "generic_timeout_error"),
        ("recursion", "dns_servfail_error"),
    ]
    assert attempt.proof is Proof.NONE


async def test_a_domain_that_nobody_has(dnstt_bridge: DnsttBridge) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(domain=NO_DOMAIN)), context())
    assert failure_of(attempt) == ("recursion", "dns_nxdomain_error")
    assert attempt.proof is Proof.NONE
