"""Elligator 2, against Monocypher's vectors and those of RFC 9380; the group, against X25519 itself."""

from __future__ import annotations

import json
from pathlib import Path
from random import SystemRandom
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.obfs4.elligator import (
    A,
    P,
    add,
    make_key,
    square_root,
    to_public,
    to_representative,
    torsion,
)

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "elligator2.json").read_text(encoding="ascii")
)


@pytest.mark.parametrize(("representative", "u"), VECTORS["direct"])
def test_to_a_public_key(representative: str, u: str) -> None:
    assert to_public(bytes.fromhex(representative)).hex() == u


@pytest.mark.parametrize(("element", "x"), VECTORS["rfc9380"])
def test_the_map_of_the_rfc(element: str, x: str) -> None:
    number = int(element, 16)
    representative = min(number, P - number)  # both lead to the same point
    assert to_public(representative.to_bytes(32, "little"))[::-1].hex() == x


@pytest.mark.parametrize(("u", "first", "second"), VECTORS["inverse"])
def test_back_to_representatives(u: str, first: str | None, second: str | None) -> None:
    number = int.from_bytes(bytes.fromhex(u), "little")
    found = {to_representative(number, negative=negative) for negative in (False, True)}
    wanted = {
        None if text is None else int.from_bytes(bytes.fromhex(text), "little") for text in (first, second)
    }
    assert found == wanted


@given(st.binary(min_size=32, max_size=32))
def test_any_bytes_are_a_key_and_the_top_bits_mean_nothing(data: bytes) -> None:
    public = to_public(data)
    assert int.from_bytes(public, "little") < P
    flipped = data[:31] + bytes((data[31] ^ 0xC0,))
    assert to_public(flipped) == public


@given(st.binary(min_size=32, max_size=32))
def test_there_and_back(data: bytes) -> None:
    u = int.from_bytes(to_public(data), "little")
    found = [to_representative(u, negative=negative) for negative in (False, True)]
    r = int.from_bytes(data, "little") & ((1 << 254) - 1)
    assert min(r, P - r) in found or u == 0
    for representative in found:
        if representative is not None:
            assert representative <= (P - 1) // 2
            assert to_public(representative.to_bytes(32, "little")) == u.to_bytes(32, "little")


def test_no_representative_for_the_points_at_the_edge() -> None:
    assert to_representative(0, negative=False) is None
    assert to_representative(P - A, negative=True) is None


def test_square_roots() -> None:
    assert square_root(4) in (2, P - 2)
    assert square_root(2) is None


def test_eight_points_of_low_order() -> None:
    points = torsion()
    assert points[0] is None
    assert len(set(points)) == 8
    assert add(points[7], points[1]) is None
    assert add(points[3], points[5]) is None
    assert add(points[2], points[3]) == points[5]
    assert points[4] == (0, 0)


def test_a_key_is_what_its_representative_says_and_agrees_with_clean_keys() -> None:
    chance = SystemRandom()
    for _ in range(20):
        key, other = make_key(chance), X25519PrivateKey.generate()
        assert to_public(key.representative) == key.public
        clean = other.public_key()
        assert key.private.exchange(clean) == other.exchange(X25519PublicKey.from_public_bytes(key.public))


def test_keys_are_dirty_and_their_representatives_use_every_bit() -> None:
    """An eighth of all keys is clean; the two top bits are random."""
    chance = SystemRandom()
    keys = [make_key(chance) for _ in range(200)]
    clean = sum(
        key.public == key.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in keys
    )
    assert 3 <= clean <= 70
    assert {key.representative[31] >> 6 for key in keys} == {0, 1, 2, 3}
