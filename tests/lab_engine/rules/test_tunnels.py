"""Handshakes of OpenVPN and WireGuard, and sizes of first packets."""

from __future__ import annotations

import random

import dns.message
import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.rules.tunnels import FirstSizes, OpenVpn, WireGuard
from tests.lab_engine.rules.test_encrypted import noise
from tests.lab_engine.talk import Net, Udp, client_hello, opened, quic_initials

#: P_CONTROL_HARD_RESET_CLIENT_V2, session ID, no acknowledgments, packet ID 0.
RESET_V2 = b"\x38" + bytes(range(8)) + b"\0" + bytes(4)
#: P_CONTROL_HARD_RESET_CLIENT_V3, with a wrapped key behind.
RESET_V3 = b"\x50" + random.Random(1).randbytes(300)


def blocked(when: object) -> Blocking:
    return Blocking(name="vpn", when=when, then=Drop())  # type: ignore[arg-type]  # triggers


@pytest.mark.parametrize("reset", [RESET_V2, RESET_V3])
def test_openvpn(family: int, reset: bytes) -> None:
    assert Udp(Net(blocked(OpenVpn())), family=family, server_port=1194).up(reset).silence
    framed = len(reset).to_bytes(2) + reset
    assert opened(Net(blocked(OpenVpn())), family=family).up(framed).silence


def test_what_is_no_openvpn(family: int) -> None:
    for payload in (quic_initials()[0], b"\x40" + RESET_V2[1:], b"\x38", bytes(20)):
        assert Udp(Net(blocked(OpenVpn())), family=family).up(payload).untouched
    for payload in (client_hello(), RESET_V2, b"\0\x20" + RESET_V2):
        assert opened(Net(blocked(OpenVpn())), family=family).up(payload).untouched
    udp = Udp(Net(blocked(OpenVpn())), family=family)
    assert udp.up(b"something else").untouched
    assert udp.up(RESET_V2).untouched  # not the first packet


@pytest.mark.parametrize("first", [0x38, 0x50])
def test_a_question_whose_id_begins_as_openvpn_does_is_none(family: int, first: int) -> None:
    question = dns.message.make_query("www.free.example", "A", id=first << 8).to_wire()
    assert Udp(Net(blocked(OpenVpn())), family=family).up(question).untouched
    assert opened(Net(blocked(OpenVpn())), family=family).up(len(question).to_bytes(2) + question).untouched


def test_wireguard(family: int) -> None:
    initiation = b"\x01\0\0\0" + random.Random(1).randbytes(144)
    response = b"\x02\0\0\0" + random.Random(2).randbytes(88)
    udp = Udp(Net(blocked(WireGuard())), family=family, server_port=51820)
    assert udp.up(initiation).silence
    assert Udp(Net(blocked(WireGuard())), family=family).down(response).silence


def test_what_is_no_wireguard(family: int) -> None:
    amnezia = b"\x05\0\0\0" + bytes(144)
    for payload in (amnezia, b"\x01\0\0\0" + bytes(145), b"\x01\0\0\x01" + bytes(144), quic_initials()[0]):
        assert Udp(Net(blocked(WireGuard())), family=family).up(payload).untouched
    assert opened(Net(blocked(WireGuard())), family=family).up(b"\x01\0\0\0" + bytes(144)).untouched


def test_sizes_of_first_packets(family: int) -> None:
    rule = blocked(FirstSizes(sizes=((141, 8192), (1, 60)), random_looking=True))
    tcp = opened(Net(rule), family=family)
    assert tcp.up(noise(500)).untouched
    assert tcp.up(noise(40, 2)).silence


@pytest.mark.parametrize(
    "payloads", [(noise(100), noise(40)), (client_hello(), noise(40)), (noise(500), noise(80))]
)
def test_other_sizes_and_other_contents(family: int, payloads: tuple[bytes, bytes]) -> None:
    rule = blocked(FirstSizes(sizes=((141, 8192), (1, 60)), random_looking=True))
    tcp = opened(Net(rule), family=family)
    assert all(tcp.up(payload).untouched for payload in payloads)


def test_a_retransmission_is_not_a_second_packet(family: int) -> None:
    tcp = opened(Net(blocked(FirstSizes(sizes=((10, 20), (10, 20))))), family=family)
    start = tcp.up_next
    assert tcp.up(b"x" * 15).untouched
    assert tcp.up(b"x" * 15, at=start).untouched
    assert tcp.up(b"y" * 15).silence


def test_sizes_are_checked() -> None:
    with pytest.raises(ValueError, match="sizes"):
        FirstSizes(sizes=())
