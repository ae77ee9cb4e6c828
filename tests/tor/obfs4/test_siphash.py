"""SipHash-2-4, against the vectors of its reference implementation (key 00…0f, message 00 01 02 …)."""

from __future__ import annotations

import pytest

from circumvent.tor.obfs4.siphash import Masks, SipHash

KEY = bytes(range(16))
#: ``vectors_sip64`` of the reference implementation, for messages of whole blocks.
VECTORS = {0: "310e0edd47db6f72", 8: "6224939a79f5f593", 16: "db9bc2577fcc2a3f", 56: "bd838d3aafbf8db7"}


@pytest.mark.parametrize(("length", "digest"), VECTORS.items())
def test_vectors(length: int, digest: str) -> None:
    hashed = SipHash(KEY)
    for begin in range(0, length, 8):
        hashed.update(bytes(range(begin, begin + 8)))
    assert hashed.digest().hex() == digest


def test_a_digest_leaves_the_hash_as_it_is() -> None:
    hashed = SipHash(KEY)
    hashed.update(bytes(range(8)))
    hashed.digest()
    hashed.update(bytes(range(8, 16)))
    assert hashed.digest().hex() == VECTORS[16]


def test_masks_hash_all_that_came_before() -> None:
    masks = Masks(KEY + bytes(range(8)))
    first = masks.next_block()
    assert first.hex() == VECTORS[8]
    hashed = SipHash(KEY)
    hashed.update(bytes(range(8)))
    hashed.update(first)
    assert masks.next_block() == hashed.digest()
