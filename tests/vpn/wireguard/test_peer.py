"""Our side of a tunnel: given these datagrams, expect these events."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.packets import Echo, build, packed
from circumvent.vpn.wireguard.cookie import LABEL_MAC1, mac, make_reply, verify_macs
from circumvent.vpn.wireguard.framing import Plain
from circumvent.vpn.wireguard.handshake import Identity, Responder, blake2s, public_key
from circumvent.vpn.wireguard.peer import Cookie, Finished, Packet, Peer, PresharedKeyError
from circumvent.vpn.wireguard.transport import REKEY_AFTER_TIME, Session, TransportError

OURS, THEIRS, PSK = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
PACKET = build(Echo(packed("10.9.0.2"), packed("10.9.0.1"), 1, 2, b"hello"))


def ours(*, reserved: bytes | None = None) -> Peer:
    return Peer(Identity(private=OURS, peer=public_key(THEIRS), preshared=PSK), Plain(reserved))


def answer(initiation: bytes, *, index: int = 9, psk: bytes = PSK, now: float = 0.0) -> tuple[bytes, Session]:
    """The peer's answer to an initiation, and its half of the keys."""
    responder = Responder(THEIRS, initiation)
    message, keys = responder.respond(index=index, ephemeral=secrets.token_bytes(32), preshared=psk)
    mac1 = mac(blake2s(LABEL_MAC1, responder.peer), message)
    return message + mac1 + bytes(16), Session(keys, now)


def test_a_handshake_and_a_packet_each_way() -> None:
    peer = ours()
    (initiation,) = peer.initiate(1.0, 1_800_000_000.0)
    response, theirs = answer(initiation)
    assert peer.receive(response, 1.25) == Finished(0.25)
    assert theirs.open(peer.seal(PACKET, 2.0), 2.0) == PACKET
    assert peer.receive(theirs.seal(PACKET, 2.0), 2.0) == Packet(PACKET)
    assert peer.receive(theirs.seal(b"", 2.0), 2.0) == Packet(b"")
    assert peer.ignored == 0


def test_nothing_is_sealed_before_the_handshake() -> None:
    with pytest.raises(TransportError):
        ours().seal(PACKET, 0.0)


def test_the_answer_to_an_earlier_initiation_counts_and_the_newest_keys_are_used() -> None:
    peer = ours()
    (first,) = peer.initiate(0.0, 1_800_000_000.0)
    (second,) = peer.initiate(1.0, 1_800_000_001.0)
    early, _ = answer(first)
    late, newest = answer(second, index=10)
    assert peer.superseded() is None
    assert peer.receive(early, 2.9) == Finished(2.9)
    assert peer.superseded() == 1.0
    assert peer.receive(late, 3.0) == Finished(2.0)
    assert peer.superseded() is None
    assert newest.open(peer.seal(PACKET, 3.2), 3.2) == PACKET


def test_an_answer_counts_once() -> None:
    peer = ours()
    (initiation,) = peer.initiate(0.0, 1_800_000_000.0)
    response, _ = answer(initiation)
    assert peer.receive(response, 0.1) is not None
    assert peer.receive(response, 0.1) is None
    assert peer.ignored == 1


def test_another_preshared_key_is_told_from_a_forgery() -> None:
    peer = ours()
    (initiation,) = peer.initiate(0.0, 1_800_000_000.0)
    response, _ = answer(initiation, psk=bytes(32))
    assert peer.receive(response[:-32] + bytes(32), 0.1) is None
    with pytest.raises(PresharedKeyError):
        peer.receive(response, 0.1)


def test_under_load_the_cookie_goes_into_the_next_initiation() -> None:
    peer, cookie = ours(), bytes([7]) * 16
    (initiation,) = peer.initiate(0.0, 1_800_000_000.0)
    static = public_key(THEIRS)
    reply = make_reply(static, initiation, cookie=cookie, nonce=bytes(24))
    assert peer.receive(reply, 0.1) == Cookie()
    assert peer.receive(reply, 0.1) is None
    (again,) = peer.initiate(0.2, 1_800_000_000.2)
    assert verify_macs(static, again, cookie) == (True, True)
    assert isinstance(peer.receive(answer(again)[0], 0.3), Finished)


def test_keys_that_grow_old_are_replaced_while_they_still_work() -> None:
    peer = ours()
    (initiation,) = peer.initiate(0.0, 1_800_000_000.0)
    response, first = answer(initiation)
    peer.receive(response, 0.1)
    assert not peer.stale(REKEY_AFTER_TIME)
    assert peer.stale(REKEY_AFTER_TIME + 0.1)
    (again,) = peer.initiate(121.0, 1_800_000_121.0)
    assert not peer.stale(122.0)
    assert first.open(peer.seal(PACKET, 122.0), 122.0) == PACKET
    response, second = answer(again, index=10, now=122.0)
    peer.receive(response, 122.5)
    assert second.open(peer.seal(PACKET, 123.0), 123.0) == PACKET
    assert peer.receive(first.seal(PACKET, 123.0), 123.0) == Packet(PACKET)


def test_warp_puts_its_bytes_into_every_datagram() -> None:
    peer = ours(reserved=b"\x0a\x0b\x0c")
    (initiation,) = peer.initiate(0.0, 1_800_000_000.0)
    assert initiation[:4] == b"\x01\x0a\x0b\x0c"
    response, _ = answer(b"\x01\0\0\0" + initiation[4:])
    peer.receive(b"\x02\x0a\x0b\x0c" + response[4:], 0.1)
    assert peer.seal(PACKET, 0.2)[:4] == b"\x04\x0a\x0b\x0c"


def test_initiations_without_an_answer_are_forgotten_in_time() -> None:
    peer = ours()
    (first,) = peer.initiate(0.0, 1_800_000_000.0)
    for number in range(8):
        peer.initiate(number + 1.0, 1_800_000_001.0 + number)
    assert peer.receive(answer(first)[0], 9.5) is None


@given(st.binary(max_size=300))
def test_arbitrary_datagrams_are_ignored(data: bytes) -> None:
    peer = ours()
    peer.initiate(0.0, 1_800_000_000.0)
    assert peer.receive(data, 0.1) is None
