"""HTTP/3 asked by ngtcp2, DNS over QUIC asked by kdig (ngtcp2 too) and by dnspython."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import dns.message
import dns.query
import pytest

from tests.lab.collected import what_is_left_is_collected
from tests.lab_world.clients import run

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.process import WorldProcess

pytestmark = pytest.mark.daemons
HOST = "control.ember.example"
RESOLVER = "dns.cedar.example"


def fetch(world: WorldProcess, folder: Path, path: str) -> str:
    address = world.prepared.world.server(HOST).ipv4
    return run(
        "gtlsclient", "-q", "--exit-on-all-streams-close", "--download", folder, address, "443", f"https://{HOST}{path}"
    )  # fmt: skip


@pytest.mark.requires("gtlsclient")
def test_ngtcp2_gets_a_nonce_and_many_bytes(world: WorldProcess, tmp_path: Path) -> None:
    fetch(world, tmp_path, "/nonce/abc")
    assert (tmp_path / "abc").read_bytes() == b"abc"
    fetch(world, tmp_path, "/bytes/300000")
    assert (tmp_path / "300000").read_bytes() == bytes(300_000)


@pytest.mark.requires("kdig")
@pytest.mark.parametrize("family", [0, 1])
def test_kdig_asks_over_quic(world: WorldProcess, family: int) -> None:
    server = world.prepared.world.server(RESOLVER)
    said = run(
        "kdig", "-d", f"+tls-ca={world.prepared.ca}", f"+tls-hostname={server.name}", "+quic",
        f"@{server.addresses[family]}", "-p", "853", "social.example", "A", status=None,  # it may crash when all is said
    )  # fmt: skip
    assert "QUIC session" in said
    assert world.prepared.world.server("social.example").ipv4 in said


def test_dnspython_asks_over_quic(world: WorldProcess) -> None:
    server = world.prepared.world.server(RESOLVER)
    query = dns.message.make_query("social.example", "A")
    with what_is_left_is_collected():
        response = dns.query.quic(
            query, server.ipv4, timeout=5, verify=world.prepared.ca, server_hostname=server.name
        )
    assert response.answer


def test_garbage_is_dropped_and_others_are_served(world: WorldProcess) -> None:
    address = world.prepared.world.server(HOST).ipv4
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rude:
        rude.connect((address, 443))
        for size in (0, 1, 20, 1200, 1400):
            rude.send(os.urandom(size))
            rude.send(bytes.fromhex("c000000001088394c8f03e515708") + os.urandom(size))
        rude.send(bytes.fromhex("c01a2a3a4a 08 0001020304050607 08 0706050403020100") + bytes(1200))
        rude.settimeout(5)
        assert rude.recv(2000)[1:5] == bytes(4)  # Version Negotiation (RFC 9000, section 17.2.1)
    test_dnspython_asks_over_quic(world)
