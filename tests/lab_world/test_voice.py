"""STUN and TURN: coturn's own clients and aioice against our server."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.lab.world.voice import MOST_CLIENTS
from tests.lab_world.clients import run

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

pytestmark = pytest.mark.daemons
HOST = "turn.heron.example"


@pytest.mark.requires("turnutils_stunclient")
def test_coturns_client_learns_its_address(world: WorldProcess) -> None:
    said = run("turnutils_stunclient", "-p", "3478", world.prepared.world.server(HOST).ipv4)
    assert "reflexive addr" in said


@pytest.mark.requires("turnutils_uclient")
@pytest.mark.parametrize("transport", [(), ("-t",), ("-t", "-S", "-p", "5349")])
def test_coturns_client_sends_packets_around(world: WorldProcess, transport: tuple[str, ...]) -> None:
    """Two clients a pair, each with an allocation, send to each other's relayed addresses; by channel and indication."""
    address = world.prepared.world.server(HOST).ipv4
    for by in ((), ("-s",)) if not transport else ((),):  # over connections one is enough
        said = run(
            "turnutils_uclient", *transport, *by, "-y", "-c", "-n", "5", "-l", "160", "-m", "1",
            "-u", "lab", "-w", "lab-password", address,
        )  # fmt: skip
        assert "Total lost packets 0 (0.000000%)" in said


@pytest.mark.requires("turnutils_uclient")
def test_a_wrong_password_gets_nothing(world: WorldProcess) -> None:
    address = world.prepared.world.server(HOST).ipv4
    said = run(
        "turnutils_uclient",
        "-y",
        "-c",
        "-n",
        "1",
        "-m",
        "1",
        "-u",
        "lab",
        "-w",
        "wrong",
        address,
        status=None,
    )
    assert "Cannot complete Allocation" in said


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_aioice_gets_an_allocation_and_data_through_it(world: WorldProcess, transport: str) -> None:
    turn = pytest.importorskip("aioice.turn")
    address = world.prepared.world.server(HOST).ipv4

    async def talk() -> bytes:
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

        class Peer(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                self.transport.sendto(data[::-1], addr)

            def connection_made(self, transport: Any) -> None:
                self.transport = transport

        class Mine(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                assert addr
                arrived.set_result(data)

        peer, _ = await asyncio.get_running_loop().create_datagram_endpoint(Peer, local_addr=("127.0.0.1", 0))
        relayed, _ = await turn.create_turn_endpoint(
            Mine, server_addr=(address, 3478), username="lab", password="lab-password", transport=transport
        )
        relayed.sendto(b"there", peer.get_extra_info("sockname"))
        try:
            return await asyncio.wait_for(arrived, 5)
        finally:
            peer.close()
            relayed.close()
            await asyncio.sleep(0.2)

    assert asyncio.run(talk()) == b"ereht"


def test_garbage_holds_nobody_up(world: WorldProcess) -> None:
    address = world.prepared.world.server(HOST).ipv4
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        for size in (0, 4, 20, 100):
            rude.sendto(os.urandom(size), (address, 3478))
            rude.sendto(b"\x40\x00\x00\x10" + os.urandom(size), (address, 3478))
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0\1\xff\xff", b"\xff" * 50):
        with socket.create_connection((address, 3478), timeout=5) as client:
            client.sendall(data)
    context = ssl.create_default_context(cafile=world.prepared.ca)
    with context.wrap_socket(socket.create_connection((address, 5349)), server_hostname=HOST) as client:
        client.sendall(bytes.fromhex("0001 0000 2112a442") + b"transaction!")
        assert client.recv(100)[:2] == b"\1\1"
    assert MOST_CLIENTS
