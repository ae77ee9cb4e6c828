"""Encryption with integrity: what is sealed opens, and nothing else does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.boxes import Box, make_box
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.keys import INTEGRITY, BoxKeys, encr_bytes, integ_bytes
from circumvent.vpn.ikev2.numbers import Encr, Integ

SUITES = [
    *((Encr.AES_GCM_16, bits, None) for bits in (128, 256)),
    (Encr.CHACHA20_POLY1305, 0, None),
    *((Encr.AES_CBC, bits, integ) for bits in (128, 256) for integ in INTEGRITY),
]


def box(suite: tuple[Encr, int, Integ | None], seed: int = 1) -> Box:
    encr, bits, integ = suite
    keys = BoxKeys(
        encr=bytes(range(seed, seed + encr_bytes(encr, bits))),
        integ=bytes(range(seed, seed + integ_bytes(integ))),
    )
    return make_box(encr, integ, keys)


@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_what_is_sealed_opens_and_nothing_else_does(suite: tuple[Encr, int, Integ | None]) -> None:
    one, other = box(suite), box(suite, 2)
    plaintext = bytes(one.block * 3)
    sealed = one.seal(b"prefix", plaintext)
    assert len(sealed) == len(plaintext) + one.overhead
    assert one.open(b"prefix", sealed) == plaintext
    with pytest.raises(IkeError):
        other.open(b"prefix", sealed)
    with pytest.raises(IkeError):
        one.open(b"prefiX", sealed)
    for place in (0, len(sealed) // 2, len(sealed) - 1):
        damaged = bytearray(sealed)
        damaged[place] ^= 1
        with pytest.raises(IkeError):
            one.open(b"prefix", bytes(damaged))


@pytest.mark.parametrize("suite", SUITES, ids=str)
def test_no_initialisation_vector_comes_twice(suite: tuple[Encr, int, Integ | None]) -> None:
    one = box(suite)
    vectors = {one.seal(b"", bytes(one.block))[:8] for _ in range(50)}
    assert len(vectors) == 50


def test_chacha20_poly1305_is_that_of_the_rfc() -> None:
    """RFC 7634, appendix A: a packet of ESP."""
    key = bytes.fromhex(
        "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3".replace(" ", "")
    )
    keys = BoxKeys(encr=key, integ=b"")
    aad = bytes.fromhex("0102030400000005")
    sealed = bytes.fromhex(
        "1011121314151617"
        "24039428b97f417e3c13753a4f05087b67c352e6a7fab1b982d466ef407ae5c6"
        "14ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9befe2facc638e8f3"
        "cbec163fac469b502773f6fb94e664da9165b82829f641e0"
        "76aaa8266b7fb0f7b11b369907e1ad43"
    )
    packet = make_box(Encr.CHACHA20_POLY1305, None, keys).open(aad, sealed)
    assert packet[:4] == bytes.fromhex("45000054")
    assert packet[-4:] == bytes.fromhex("01020204")


def test_an_encryption_without_integrity_is_none() -> None:
    with pytest.raises(IkeError):
        make_box(Encr.AES_CBC, None, BoxKeys(encr=bytes(16), integ=b""))


@given(st.sampled_from(SUITES), st.binary(max_size=120))
def test_any_bytes_do_not_open(suite: tuple[Encr, int, Integ | None], data: bytes) -> None:
    with pytest.raises(IkeError):
        box(suite).open(b"", data)
