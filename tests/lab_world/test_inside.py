"""What is behind the embedded VPN servers."""

from __future__ import annotations

import pytest

from circumvent.lab.world.inside import answer_inside
from circumvent.net.packets import Echo, PacketError, Udp, build, packed, parse

PAIRS = [("10.67.0.2", "10.67.0.1"), ("fd67::2", "2620:fe::fe")]


def respond(message: bytes) -> bytes | None:
    return message[::-1] if message else None


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_echoes_and_questions_come_back(own: str, other: str) -> None:
    echoed = answer_inside(build(Echo(packed(own), packed(other), 3, 4, b"data")), respond)
    assert echoed is not None
    assert parse(echoed) == Echo(packed(other), packed(own), 3, 4, b"data", reply=True)
    answered = answer_inside(build(Udp(packed(own), packed(other), 5000, 53, b"abc")), respond)
    assert answered is not None
    assert parse(answered) == Udp(packed(other), packed(own), 53, 5000, b"cba")


@pytest.mark.parametrize(("own", "other"), PAIRS)
def test_nothing_else_does(own: str, other: str) -> None:
    for packet in (
        Echo(packed(own), packed(other), 3, 4, b"data", reply=True),
        Udp(packed(own), packed(other), 5000, 80, b"abc"),
        Udp(packed(own), packed(other), 5000, 53, b""),
    ):
        assert answer_inside(build(packet), respond) is None
    with pytest.raises(PacketError):
        answer_inside(b"\x45nonsense", respond)
