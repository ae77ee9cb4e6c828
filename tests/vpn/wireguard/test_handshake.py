"""The handshake, held against the published vectors of its Noise pattern, and against its other half."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.wireguard import handshake
from circumvent.vpn.wireguard.handshake import (
    HandshakeError,
    Identity,
    Initiator,
    Responder,
    kdf,
    public_key,
    tai64n,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "cacophony-ikpsk2.json").read_text("ascii"))[
    "vectors"
]
OURS, THEIRS, PSK = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
MACS = bytes(handshake.MACS_SIZE)
keys = st.binary(min_size=32, max_size=32)


def initiator(*, preshared: bytes = PSK, peer: bytes = THEIRS, index: int = 7) -> Initiator:
    identity = Identity(private=OURS, peer=public_key(peer), preshared=preshared)
    return Initiator(identity, index=index, stamp=tai64n(1_800_000_000.0), ephemeral=bytes([4]) * 32)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["protocol_name"])
def test_the_pattern_is_that_of_the_published_vectors(vector: dict[str, Any]) -> None:
    def data(name: str) -> bytes:
        return bytes.fromhex(vector[name])

    (psk,) = vector["init_psks"]
    messages = [
        (bytes.fromhex(each["payload"]), bytes.fromhex(each["ciphertext"])) for each in vector["messages"]
    ]
    ours = Initiator(
        Identity(private=data("init_static"), peer=data("init_remote_static"), preshared=bytes.fromhex(psk)),
        index=0,
        stamp=messages[0][0],
        ephemeral=data("init_ephemeral"),
        prologue=data("init_prologue"),
    )
    assert ours.message[8:] == messages[0][1]
    payload, send, receive = ours.take(messages[1][1])
    assert payload == messages[1][0]
    for number, (plain, sealed) in enumerate(messages[2:]):
        nonce = bytes(4) + (number // 2).to_bytes(8, "little")
        key = receive if number % 2 else send
        assert ChaCha20Poly1305(key).decrypt(nonce, sealed, None) == plain


def test_both_halves_come_to_the_same_keys() -> None:
    ours = initiator()
    theirs = Responder(THEIRS, ours.message + MACS)
    assert (theirs.kind, theirs.remote_index, theirs.peer) == (1, 7, public_key(OURS))
    assert theirs.stamp == tai64n(1_800_000_000.0)
    message, their_keys = theirs.respond(index=9, ephemeral=bytes([5]) * 32, preshared=PSK)
    our_keys = ours.finish(message + MACS)
    assert (our_keys.send, our_keys.receive) == (their_keys.receive, their_keys.send)
    assert (our_keys.local_index, our_keys.remote_index) == (7, 9)


def test_sizes_are_those_of_the_paper() -> None:
    ours = initiator()
    assert len(ours.message) + handshake.MACS_SIZE == 148
    message, _ = Responder(THEIRS, ours.message + MACS).respond(index=9, ephemeral=bytes([5]) * 32)
    assert len(message) + handshake.MACS_SIZE == 92


def test_another_preshared_key_does_not_open() -> None:
    ours = initiator(preshared=bytes(32))
    message, _ = Responder(THEIRS, ours.message + MACS).respond(
        index=9, ephemeral=bytes([5]) * 32, preshared=PSK
    )
    with pytest.raises(HandshakeError, match="another key"):
        ours.finish(message + MACS)


def test_a_forged_answer_does_no_harm() -> None:
    ours = initiator()
    message, _ = Responder(THEIRS, ours.message + MACS).respond(
        index=9, ephemeral=bytes([5]) * 32, preshared=PSK
    )
    forged = message[:-1] + bytes([message[-1] ^ 1])
    for wrong in (forged + MACS, message, b"", message + bytes(33), b"\x04" + message[1:] + MACS):
        with pytest.raises(HandshakeError):
            ours.finish(wrong)
    with pytest.raises(HandshakeError, match="public key"):
        ours.finish(message[:12] + bytes(32) + message[44:] + MACS)
    assert ours.finish(message + MACS).remote_index == 9


def test_an_initiation_for_somebody_else_is_not_read() -> None:
    with pytest.raises(HandshakeError):
        Responder(bytes([9]) * 32, initiator().message + MACS)
    with pytest.raises(HandshakeError, match="no initiation"):
        Responder(THEIRS, b"short")


def test_secrets_are_not_shown() -> None:
    ours = initiator()
    keys = Responder(THEIRS, ours.message + MACS).respond(index=9, ephemeral=bytes([5]) * 32)[1]
    shown = repr((ours, keys, Identity(private=OURS, peer=public_key(THEIRS), preshared=PSK)))
    for secret in (OURS, PSK, keys.send, keys.receive):
        assert repr(secret) not in shown


def test_the_key_derivation_is_hkdf() -> None:
    from cryptography.hazmat.primitives.hashes import BLAKE2s
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    whole = HKDF(BLAKE2s(32), 96, salt=b"chaining", info=b"").derive(b"input")
    assert b"".join(kdf(b"chaining", b"input", 3)) == whole


@given(st.floats(0, 1e10), st.floats(0.02, 1e6))
def test_stamps_grow(wall: float, later: float) -> None:
    assert tai64n(wall) < tai64n(wall + later)
    assert len(tai64n(wall)) == 12


def test_a_stamp_as_the_external_format_has_it() -> None:
    # http://cr.yp.to/libtai/tai64.html: 2^62 seconds stand for the beginning of 1970 TAI.
    assert tai64n(1_000_000_000.5).hex()[:16] == f"{(1 << 62) + 1_000_000_010:016x}"


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_no_answer(data: bytes) -> None:
    with pytest.raises(HandshakeError):
        initiator().finish(data)
    with pytest.raises(HandshakeError):
        Responder(THEIRS, data)


@given(keys, keys, keys)
def test_any_keys_come_together(ours: bytes, theirs: bytes, psk: bytes) -> None:
    identity = Identity(private=ours, peer=public_key(theirs), preshared=psk)
    begun = Initiator(identity, index=1, stamp=bytes(12), ephemeral=bytes([8]) * 32)
    answer, their_keys = Responder(theirs, begun.message + MACS).respond(
        index=2, ephemeral=bytes([9]) * 32, preshared=psk
    )
    assert begun.finish(answer + MACS).send == their_keys.receive
