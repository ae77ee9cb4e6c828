"""SipHash-2-4 (Aumasson, Bernstein) over whole blocks of eight bytes, fed one at a time: the length masks of obfs4.

The hash is never begun anew: mask n is the digest of IV, mask 1, … mask n-1 (obfs4-spec calls it OFB mode).
"""

from __future__ import annotations

import struct
from typing import Final

KEY_BYTES: Final = 16
BLOCK_BYTES: Final = 8
_MASK: Final = (1 << 64) - 1
_CONSTANTS: Final = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)

State = tuple[int, int, int, int]


class SipHash:
    """A running SipHash-2-4 under one key (16 bytes)."""

    def __init__(self, key: bytes) -> None:
        """Begin."""
        low, high = struct.unpack("<QQ", key)
        a, b, c, d = _CONSTANTS
        self._state: State = (low ^ a, high ^ b, low ^ c, high ^ d)
        self._length = 0

    def update(self, block: bytes) -> None:
        """Take eight bytes."""
        self._state = _absorb(self._state, *struct.unpack("<Q", block))
        self._length += BLOCK_BYTES

    def digest(self) -> bytes:
        """Return the digest (8 bytes) of all that was taken."""
        a, b, c, d = _absorb(self._state, (self._length & 0xFF) << 56)
        a, b, c, d = _rounds((a, b, c ^ 0xFF, d), 4)
        return struct.pack("<Q", a ^ b ^ c ^ d)


class Masks:
    """The stream of masks from a key (16 bytes) and a first value (8 bytes)."""

    def __init__(self, seed: bytes) -> None:
        """Begin with 24 bytes."""
        self._hash = SipHash(seed[:KEY_BYTES])
        self._block = seed[KEY_BYTES:]

    def next_block(self) -> bytes:
        """Return the next eight bytes."""
        self._hash.update(self._block)
        self._block = self._hash.digest()
        return self._block


def _absorb(state: State, word: int) -> State:
    a, b, c, d = _rounds((state[0], state[1], state[2], state[3] ^ word), 2)
    return a ^ word, b, c, d


def _rounds(state: State, count: int) -> State:
    a, b, c, d = state
    for _ in range(count):
        a = (a + b) & _MASK
        b = (b << 13 & _MASK | b >> 51) ^ a
        a = a << 32 & _MASK | a >> 32
        c = (c + d) & _MASK
        d = (d << 16 & _MASK | d >> 48) ^ c
        a = (a + d) & _MASK
        d = (d << 21 & _MASK | d >> 43) ^ a
        c = (c + b) & _MASK
        b = (b << 17 & _MASK | b >> 47) ^ c
        c = c << 32 & _MASK | c >> 32
    return a, b, c, d
