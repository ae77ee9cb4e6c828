"""ESP: a packet of strongSwan's, padding, numbers, the window."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.esp import WINDOW, EspSa
from circumvent.vpn.ikev2.keys import ChildKeys, child_keys
from circumvent.vpn.ikev2.numbers import Encr, Integ, Prf
from circumvent.vpn.ikev2.suites import ChildSuite
from tests.vpn.ikev2.vectors import NAMES, RUNS, child_suite, ike_suite, pair

GCM = ChildSuite(encr=Encr.AES_GCM_16, key_length=256, integ=None)
CBC = ChildSuite(encr=Encr.AES_CBC, key_length=128, integ=Integ.HMAC_SHA2_256_128)
PACKET = b"\x45" + bytes(59)


def both(suite: ChildSuite = GCM) -> tuple[EspSa, EspSa]:
    """Return our side and the other one."""
    keys = child_keys(Prf.HMAC_SHA2_256, b"derive", suite, (b"i", b"r"))
    turned = ChildKeys(initiator=keys.responder, responder=keys.initiator)
    ours = EspSa(suite, keys, spi_in=b"\x01ini", spi_out=b"\x01out")
    return ours, EspSa(suite, turned, spi_in=b"\x01out", spi_out=b"\x01ini")


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_a_packet_of_strongswan_opens(run: dict[str, Any]) -> None:
    suite = child_suite(run)
    keys = child_keys(ike_suite(run).prf, bytes.fromhex(run["ike"]["sk_d"]), suite, pair(run["nonces"]))
    sa = EspSa(suite, keys, spi_in=bytes.fromhex(run["esp"]["spi"]), spi_out=bytes(4))
    assert sa.open(bytes.fromhex(run["esp"]["packet"])) == bytes.fromhex(run["esp"]["payload"])


@pytest.mark.parametrize("suite", [GCM, CBC], ids=["gcm", "cbc"])
@pytest.mark.parametrize("size", [1, 20, 21, 22, 23, 44, 45, 46, 47, 60, 1400])
def test_packets_of_every_length_go_through(suite: ChildSuite, size: int) -> None:
    ours, theirs = both(suite)
    packet = b"\x60" + bytes(size - 1)
    sealed = ours.seal(packet)
    assert theirs.open(sealed) == packet
    assert len(sealed) == size + ours.overhead(size)
    assert len(sealed) % 4 == 0


def test_a_packet_counts_once() -> None:
    ours, theirs = both()
    first, second = ours.seal(PACKET), ours.seal(PACKET)
    assert theirs.open(second) == theirs.open(first) == PACKET
    for again in (first, second):
        with pytest.raises(IkeError):
            theirs.open(again)


def test_what_is_too_old_for_the_window_is_refused() -> None:
    ours, theirs = both()
    packets = [ours.seal(PACKET) for _ in range(WINDOW + 1)]
    assert theirs.open(packets[-1]) == PACKET
    assert theirs.open(packets[1]) == PACKET
    with pytest.raises(IkeError):
        theirs.open(packets[0])


def test_a_forged_number_does_not_move_the_window() -> None:
    ours, theirs = both()
    packet = bytearray(ours.seal(PACKET))
    forged = bytes(packet[:4]) + b"\xff\xff\xff\xf0" + bytes(packet[8:])
    with pytest.raises(IkeError):
        theirs.open(forged)
    assert theirs.open(bytes(packet)) == PACKET


@given(st.permutations(range(100)), st.sets(st.integers(0, 99)))
def test_in_any_order_each_packet_counts_once_at_most(order: list[int], again: set[int]) -> None:
    ours, theirs = both()
    packets = [ours.seal(PACKET) for _ in range(100)]
    taken: set[int] = set()
    for number in [*order, *again]:
        try:
            theirs.open(packets[number])
        except IkeError:
            continue
        assert number not in taken
        taken.add(number)


def test_what_is_no_ip_packet_is_not_sent() -> None:
    for packet in (b"", b"\x00", b"\x50" + bytes(30)):
        with pytest.raises(IkeError):
            both()[0].seal(packet)


def test_a_dummy_packet_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = both()
    from circumvent.vpn.ikev2 import esp

    monkeypatch.setattr(esp, "_IPV4", 59)  # RFC 4303, section 2.6
    sealed = ours.seal(PACKET)
    monkeypatch.undo()
    assert theirs.open(sealed) is None


@given(st.binary(max_size=200))
def test_any_bytes_do_not_open(data: bytes) -> None:
    _, theirs = both()
    for packet in (data, b"\x01out" + data):
        with pytest.raises(IkeError):
            theirs.open(packet)
