"""Datagrams of WireGuard as it is, and of WARP."""

from __future__ import annotations

from circumvent.vpn.wireguard.framing import Plain

MESSAGE = b"\x01\0\0\0" + bytes(range(144))


def test_a_message_is_its_datagram() -> None:
    plain = Plain()
    assert plain.number(4) == 4
    assert plain.wrap(MESSAGE) == MESSAGE == plain.unwrap(MESSAGE)
    assert plain.before(0.0) == []


def test_what_has_bytes_behind_the_type_is_not_ours() -> None:
    assert Plain().unwrap(b"\x02\x01\0\0" + bytes(88)) is None
    assert Plain().unwrap(b"\x02\0") is None


def test_the_reserved_bytes_of_warp() -> None:
    plain = Plain(b"\x0a\x0b\x0c")
    datagram = plain.wrap(MESSAGE)
    assert datagram == b"\x01\x0a\x0b\x0c" + MESSAGE[4:]
    assert plain.unwrap(datagram) == MESSAGE == plain.unwrap(MESSAGE)
