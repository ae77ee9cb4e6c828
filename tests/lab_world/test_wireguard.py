"""The WireGuard peer of the world: against our own client's pure layers, and against wireguard-go."""

from __future__ import annotations

import json
import secrets
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import pytest

from circumvent.lab.namespace import write
from circumvent.lab.world.wireguard import CLIENT, INSIDE, Tunnel, TunnelKeys
from circumvent.net.packets import Echo, Udp, build, packed, parse
from circumvent.vpn.wireguard.handshake import Identity, public_key
from circumvent.vpn.wireguard.peer import Finished, Packet, Peer
from tests.lab.inner import start_inner
from tests.lab.wireguard import SOCKETS

if TYPE_CHECKING:
    from pathlib import Path

KEYS = TunnelKeys.fresh()
OWN = packed(CLIENT[0].partition("/")[0])
GATEWAY = packed(INSIDE[0])


def peer(keys: TunnelKeys = KEYS) -> Peer:
    return Peer(Identity(private=bytes.fromhex(keys.client), peer=public_key(bytes.fromhex(KEYS.server))))


def tunnel() -> Tunnel:
    return Tunnel(KEYS, lambda message: b"answer to " + message)


def shake_hands(client: Peer, server: Tunnel, wall: float = 1e9) -> None:
    (initiation,) = client.initiate(0.0, wall)
    response = server.take(initiation, 0.0)
    assert response is not None
    assert isinstance(client.receive(response, 0.0), Finished)


def through(client: Peer, server: Tunnel, packet: bytes) -> bytes | None:
    answer = server.take(client.seal(packet, 1.0), 1.0)
    if answer is None:
        return None
    event = client.receive(answer, 1.0)
    assert isinstance(event, Packet)
    return event.data


def test_echoes_and_questions_are_answered() -> None:
    client, server = peer(), tunnel()
    shake_hands(client, server)
    echoed = through(client, server, build(Echo(OWN, GATEWAY, 1, 2, b"data")))
    assert echoed is not None
    assert parse(echoed) == Echo(GATEWAY, OWN, 1, 2, b"data", reply=True)
    answered = through(client, server, build(Udp(OWN, packed("9.9.9.9"), 5000, 53, b"question")))
    assert answered is not None
    assert parse(answered) == Udp(packed("9.9.9.9"), OWN, 53, 5000, b"answer to question")


def test_everything_else_is_met_with_silence() -> None:
    client, server = peer(), tunnel()
    (stranger,) = peer(TunnelKeys.fresh()).initiate(0.0, 1e9)
    assert server.take(stranger, 0.0) is None
    for datagram in (b"", b"\x01\0\0\0", secrets.token_bytes(148), b"\x04" + secrets.token_bytes(100)):
        assert server.take(datagram, 0.0) is None
    (initiation,) = client.initiate(0.0, 1e9)
    assert server.take(initiation, 0.0) is not None
    assert server.take(initiation, 0.0) is None  # its time stamp is not later
    shake_hands(client, server, 2e9)
    assert through(client, server, b"") is None  # a keepalive
    assert through(client, server, build(Udp(OWN, GATEWAY, 5000, 80, b"x"))) is None
    assert through(client, server, b"\x45nonsense") is None


@pytest.mark.namespace
@pytest.mark.requires("wireguard-go", "kdig")
def test_wireguard_go_and_kdig_use_it(tmp_path: Path) -> None:
    """The program brings its tunnel up in a network of its own, and kdig asks through it."""

    def respond(message: bytes) -> bytes:
        question = dns.message.from_wire(message)
        response = dns.message.make_response(question)
        response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    server = Tunnel(KEYS, respond)
    here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    here.bind(("198.51.100.60", 51999))

    def serve() -> None:
        while True:
            try:
                datagram, client = here.recvfrom(65535)
            except OSError:
                return
            answer = server.take(datagram, time.monotonic())
            if answer is not None:
                here.sendto(answer, client)

    threading.Thread(target=serve, daemon=True).start()
    plan = {
        "program": "wireguard-go",
        "configuration": (
            f"private_key={KEYS.client}\npublic_key={public_key(bytes.fromhex(KEYS.server)).hex()}\n"
            "endpoint=198.51.100.60:51999\nallowed_ip=0.0.0.0/0\n"
        ),
        "inside": ["10.67.0.2"],
        "client": "fd67::2",
        "mtu": 1420,
        "ready": str(tmp_path / "ready"),
    }
    script = (
        '"$1" -m tests.lab.wireguard "$2" & until [ -e ready ]; do sleep 0.05; done;'
        " kdig @10.67.0.1 free.example +timeout=5 +retry=2 >said 2>&1; mv said answer; wait"
    )
    daemon = start_inner(
        ["sh", "-c", script, "sh", sys.executable, json.dumps(plan)],
        number=190,
        directory=tmp_path,
        addresses=["198.51.100.190"],
        own_folders=[SOCKETS["wireguard-go"]],
    )
    write("/proc/sys/net/ipv4/conf/inner190/proxy_arp", "1")
    try:
        limit = time.monotonic() + 30
        while not (tmp_path / "answer").exists():
            assert time.monotonic() < limit, daemon.log_tail()
            time.sleep(0.02)
        assert "status: NXDOMAIN" in (tmp_path / "answer").read_text()
    finally:
        daemon.stop()
        here.close()
