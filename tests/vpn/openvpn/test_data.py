"""The data channel: two ends, every cipher, both versions of the packet; nothing forged or seen passes."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.vpn.openvpn.data import (
    CIPHERS,
    DEFAULT_CIPHERS,
    CipherError,
    DataChannel,
    DataError,
    choose_cipher,
)
from circumvent.vpn.openvpn.key_method import data_keys
from circumvent.vpn.openvpn.packet import Opcode
from circumvent.vpn.openvpn.static_key import Pair

KEYS = data_keys(bytes(range(256)))
ALL = pytest.mark.parametrize("cipher", sorted(CIPHERS))
VERSIONS = pytest.mark.parametrize("peer_id", [None, 0, 0xFFFFFE])


def ends(cipher: str, peer_id: int | None = None, digest: str = "SHA1") -> tuple[DataChannel, DataChannel]:
    client = DataChannel(cipher, KEYS, digest=digest, peer_id=peer_id)
    return client, DataChannel(cipher, Pair(KEYS.receive, KEYS.send), digest=digest, peer_id=peer_id)


@ALL
@VERSIONS
@settings(deadline=None)
@given(packet=st.binary(max_size=100))
def test_what_is_sealed_is_opened(cipher: str, peer_id: int | None, packet: bytes) -> None:
    client, server = ends(cipher, peer_id)
    for _ in range(3):
        assert server.open(client.seal(packet)) == packet
        assert client.open(server.seal(packet)) == packet


@VERSIONS
def test_the_layout_of_an_aead_packet(peer_id: int | None) -> None:
    data = ends("AES-256-GCM", peer_id)[0].seal(b"abc")
    if peer_id is None:
        assert data[:5] == bytes((Opcode.DATA_V1 << 3, 0, 0, 0, 1))
        assert len(data) == 1 + 4 + 16 + 3
    else:
        assert data[:8] == bytes((Opcode.DATA_V2 << 3,)) + peer_id.to_bytes(3, "big") + bytes((0, 0, 0, 1))
        assert len(data) == 4 + 4 + 16 + 3


@ALL
def test_nothing_passes_that_was_changed_or_seen(cipher: str) -> None:
    client, server = ends(cipher)
    data = client.seal(b"abc")
    for place in range(1, len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(DataError):
            server.open(bytes(changed))
    assert server.open(data) == b"abc"
    with pytest.raises(DataError, match="before"):
        server.open(data)


@ALL
@settings(deadline=None)
@given(data=st.binary(max_size=80))
def test_any_octets_are_a_packet_or_an_error(cipher: str, data: bytes) -> None:
    server = ends(cipher)[1]
    for each in (data, b"\x30" + data, b"\x48" + data):
        with suppress(DataError):
            server.open(each)


def test_other_keys_and_other_ciphers() -> None:
    assert set(DEFAULT_CIPHERS) <= set(CIPHERS)
    for cipher, digest in (("DES-CBC", "SHA1"), ("AES-256-CBC", "WHIRLPOOL")):
        with pytest.raises(ValueError, match="not known"):
            DataChannel(cipher, KEYS, digest=digest)
    assert DataChannel("AES-256-GCM", KEYS, digest="NONE").seal(b"")
    client, server = ends("AES-256-CBC", digest="SHA512")
    assert server.open(client.seal(b"abc")) == b"abc"
    with pytest.raises(DataError):
        ends("AES-256-CBC")[1].open(client.seal(b"abc"))


@pytest.mark.parametrize(
    ("pushed", "options", "fallback", "chosen"),
    [
        ("AES-128-GCM", "V4,cipher BF-CBC", None, "AES-128-GCM"),
        ("AES-256-CBC", "", "AES-256-CBC", "AES-256-CBC"),
        ("BF-CBC", "", None, None),
        (None, "V4,dev-type tun,cipher aes-256-gcm,auth SHA1", "BF-CBC", "AES-256-GCM"),
        (None, "V4,cipher BF-CBC", "AES-256-CBC", "AES-256-CBC"),
        (None, "V4,cipher BF-CBC", None, None),
        (None, "", None, None),
    ],
)
def test_which_cipher_is_used(
    pushed: str | None, options: str, fallback: str | None, chosen: str | None
) -> None:
    if chosen is not None:
        assert choose_cipher(pushed, options, DEFAULT_CIPHERS, fallback) == chosen
        return
    with pytest.raises(CipherError):
        choose_cipher(pushed, options, DEFAULT_CIPHERS, fallback)
