"""The OpenVPN server of the world: against OpenVPN's own client, through whose tunnel kdig asks; and against nonsense."""

from __future__ import annotations

import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING

import dns.message
import dns.rcode
import pytest

from circumvent.lab.namespace import write
from circumvent.lab.world.openvpn import MOST_SESSIONS, PASSWORD, USER, Server
from circumvent.lab.world.prepare import Pair
from tests.lab.inner import start_inner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Pki

RESET = bytes((7 << 3,)) + b"sessions" + bytes(5)


def respond(message: bytes) -> bytes:
    response = dns.message.make_response(dns.message.from_wire(message))
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


def server(pki: Pki) -> Server:
    return Server(Pair(str(pki.good.chain), str(pki.good.key)), respond)


def test_a_reset_is_answered_and_said_again_until_it_is_acknowledged(pki: Pki) -> None:
    here = server(pki)
    (answer,) = here.take(RESET, "client", 0.0)
    assert answer[0] >> 3 == 8  # P_CONTROL_HARD_RESET_SERVER_V2
    session = here.sessions["client"]
    due = session.next_time()
    assert due is not None
    assert session.flush(due / 2) == []
    (again,) = session.flush(due)
    assert again[:9] == answer[:9]
    assert here.take(RESET, "client", 0.1)  # the client's repetition is acknowledged, and begins nothing new
    assert here.sessions["client"] is session


def test_nonsense_is_met_with_silence_and_clients_are_bounded(pki: Pki) -> None:
    here = server(pki)
    for datagram in (b"", b"\x38", bytes(30), secrets.token_bytes(100), b"\x48" + bytes(40)):
        assert here.take(datagram, "client", 0.0) == []
    for number in range(2 * MOST_SESSIONS):
        here.take(RESET, number, 0.0)
    assert len(here.sessions) == MOST_SESSIONS
    assert here.take(b"\x20" + RESET[1:] + b"not TLS", 2 * MOST_SESSIONS - 1, 1.0) is not None


@pytest.mark.namespace
@pytest.mark.requires("openvpn", "kdig")
@pytest.mark.parametrize("password", [PASSWORD, "another"])
def test_openvpn_and_kdig_use_it(tmp_path: Path, pki: Pki, password: str) -> None:
    here, peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), server(pki)
    here.bind(("198.51.100.60", 0))
    port = here.getsockname()[1]

    def serve() -> None:
        while True:
            try:
                datagram, client = here.recvfrom(65535)
            except OSError:
                return
            for answer in peer.take(datagram, client, time.monotonic()):
                here.sendto(answer, client)

    threading.Thread(target=serve, daemon=True).start()
    (tmp_path / "account").write_text(f"{USER}\n{password}\n")
    (tmp_path / "profile").write_text(
        f"client\ndev tun\nremote 198.51.100.60 {port} udp\nnobind\nauth-user-pass account\nauth-nocache\n"
        f"data-ciphers AES-256-GCM\nremote-cert-tls server\nca {pki.ca_file}\ndisable-dco\nverb 3\n"
    )
    script = (
        "openvpn --config profile --log said & while kill -0 $! 2>/dev/null && ! grep -q 'Sequence Completed' said 2>/dev/null;"
        " do sleep 0.05; done; kdig @10.68.0.1 free.example +timeout=3 +retry=1 >asked 2>&1; mv asked answer; wait"
    )
    daemon = start_inner(["sh", "-c", script], number=191, directory=tmp_path, addresses=["198.51.100.191"])
    write("/proc/sys/net/ipv4/conf/inner191/proxy_arp", "1")
    try:
        limit = time.monotonic() + 40
        while not (tmp_path / "answer").exists():
            assert time.monotonic() < limit, daemon.log_tail()
            time.sleep(0.02)
        said = (tmp_path / "said").read_text(errors="replace")
        assert ("status: NXDOMAIN" in (tmp_path / "answer").read_text()) is (password == PASSWORD), said
        assert ("AUTH_FAILED" in said) is (password != PASSWORD)
    finally:
        daemon.stop()
        here.close()
