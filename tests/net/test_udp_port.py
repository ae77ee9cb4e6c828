"""One port of ours, several peers."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net.clock import Clock
from circumvent.net.sock import Source, bound_udp
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.udp_port import UdpPort

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def peers() -> Iterator[list[socket.socket]]:
    """Sockets of two servers."""
    made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    for number, one in enumerate(made):
        one.bind((f"127.0.0.{number + 1}", 0))
        one.settimeout(5)
    yield made
    for one in made:
        one.close()


def trace() -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts())


async def test_both_see_the_same_port(peers: list[socket.socket]) -> None:
    kept = trace()
    port = UdpPort("127.0.0.1", trace=kept)
    try:
        links = [port.towards(*one.getsockname()) for one in peers]
        for link in links:
            await link.send(b"where am I?")
        seen = [one.recvfrom(100) for one in peers]
        assert {data for data, _ in seen} == {b"where am I?"}
        assert len({place for _, place in seen}) == 1
        assert seen[0][1][0] == port.address == "127.0.0.1"
        for one, (_, place) in zip(peers, seen, strict=True):
            one.sendto(b"there", place)
        with anyio.fail_after(5):
            assert (await links[1].receive()).data == b"there"  # the other's is lost
        assert (kept.bytes_sent, kept.bytes_received) == (22, 10)
    finally:
        port.close()
        port.close()


async def test_who_waits_while_it_is_closed(peers: list[socket.socket]) -> None:
    port = UdpPort("127.0.0.1", trace=trace())
    link = port.towards(*peers[0].getsockname())
    async with anyio.create_task_group() as group:
        group.start_soon(_close_soon, port)
        with pytest.raises(anyio.ClosedResourceError):
            await link.receive()


async def _close_soon(port: UdpPort) -> None:
    await anyio.lowlevel.checkpoint()
    port.close()


def test_from_an_address_of_the_other_family() -> None:
    with pytest.raises(OSError, match="family"):
        bound_udp("127.0.0.1", Source(address="2001:db8::77"))


def test_from_an_address_of_ones_own() -> None:
    with bound_udp("127.0.0.1", Source(address="127.0.0.9")) as raw:
        assert raw.getsockname()[0] == "127.0.0.9"
        assert raw.getsockname()[1] > 0
