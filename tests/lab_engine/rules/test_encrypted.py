"""The heuristics on fully encrypted traffic, at their published thresholds."""

from __future__ import annotations

import random

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking, Residual, ResidualKey
from circumvent.lab.flow import UP
from circumvent.lab.rules.encrypted import PENALTY, PROBABILITY, FullyEncrypted, looks_fully_encrypted
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import Net, Tcp, Udp, client_hello, opened


def noise(length: int, seed: int = 1) -> bytes:
    """Random bytes that are exempt from nothing."""
    dice = random.Random(seed)
    while True:
        data = dice.randbytes(length)
        if looks_fully_encrypted(data):
            return data


# 0x96 has four set bits, 0x80 one, 0xff eight; none of them is printable.
@pytest.mark.parametrize(
    ("payload", "blocked"),
    [
        (b"\x96" * 100, True),
        # (1) mean set bits: at 3.4 exempt, just above not; at 4.6 exempt, just below not
        (b"\x96" * 80 + b"\x80" * 20, False),
        (b"\x96" * 81 + b"\x80" * 19, True),
        (b"\x96" * 85 + b"\xff" * 15, False),
        (b"\x96" * 86 + b"\xff" * 14, True),
        # (2) the first six bytes printable; five are not enough
        (b"KKKKKK" + b"\x96" * 94, False),
        (b"KKKKK" + b"\x96" * 95, True),
        # (3) more than half printable; half is not more
        (b"\x96K" * 50 + b"K", False),
        (b"\x96K" * 50, True),
        # (4) more than 20 printable bytes in a row; 20 are not more
        (b"\x96" * 40 + b"K" * 21 + b"\x96" * 40, False),
        (b"\x96" * 40 + b"K" * 20 + b"\x96" * 40, True),
        # (5) TLS and HTTP
        (b"\x16\x03\x01" + b"\x96" * 100, False),
        (b"\x17\x03\x09" + b"\x96" * 100, False),
        (b"\x17\x03\x0a" + b"\x96" * 100, True),
        (b"\x15\x03\x01" + b"\x96" * 100, True),
        (b"GET " + b"\x96" * 100, False),
        (b"GETS" + b"\x96" * 100, True),
        (b"", False),
    ],
)
def test_thresholds(payload: bytes, blocked: bool) -> None:
    assert looks_fully_encrypted(payload) is blocked


def rule(probability: float = 1.0) -> Blocking:
    return Blocking(
        name="random",
        scope=Scope(protocols=("tcp",)),
        when=FullyEncrypted(),
        then=Drop(directions=(UP,)),
        probability=probability,
        residual=Residual(key=ResidualKey.CLIENT_SERVER_PORT, seconds=(PENALTY, PENALTY)),
    )


def test_noise_is_dropped_upwards_and_the_endpoint_punished(family: int) -> None:
    net = Net(rule())
    tcp = opened(net, family=family)
    assert tcp.up(noise(300)).silence
    assert tcp.down(b"answer").untouched
    assert Tcp(net, family=family, client_port=40001).up(b"", flags=2).silence
    net.now += PENALTY
    opened(net, family=family, client_port=40002)


def test_tls_udp_and_later_packets_are_left_alone(family: int) -> None:
    net = Net(rule())
    tcp = opened(net, family=family)
    assert tcp.up(client_hello()).untouched
    assert tcp.up(noise(300)).untouched
    assert Udp(net, family=family).up(noise(300)).untouched
    assert net.fired("random") == 0


def test_about_a_quarter_of_connections_is_hit() -> None:
    hit = 0
    for port in range(2000):
        net = Net(rule(PROBABILITY), seed=port)
        tcp = opened(net, client_port=1024 + port)
        hit += tcp.up(noise(200)).silence
    assert 0.22 < hit / 2000 < 0.31
