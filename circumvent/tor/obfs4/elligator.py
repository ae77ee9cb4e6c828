"""Public keys of X25519 that look like random bytes: Elligator 2, both directions.

The map from a field element to a u coordinate is that of RFC 9380, section 6.7.1, with Z = 2. Backwards, about half of
all points have a representative r below (p + 1)/2; two random bits fill the top of its last byte.

Points of the prime-order subgroup alone are a recognisable eighth of all points that the map reaches, so a random point
of order dividing 8 is added to the public key (it is "dirty"). X25519 multiplies by eight in effect, so the shared
secrets of both sides agree all the same.

Big integers of Python take time that depends on their value. The keys here live for one handshake, and whoever could
measure that well sits on this device; the private key itself is only used by the crypto library.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    import random

P: Final = 2**255 - 19
A: Final = 486662
KEY_BYTES: Final = 32
_SQRT_OF_MINUS_ONE: Final = pow(2, (P - 1) // 4, P)
#: The u coordinate of a point of order 8; which of the four does not matter, its multiples are all there are.
_ORDER_8: Final = 325606250916557431795983626356110631294008115727848805560023387167927233504
#: The largest representative; what lies above it is the negative of one below.
_LARGEST: Final = (P - 1) // 2

Point = tuple[int, int] | None  #: affine Montgomery coordinates, ``None`` for the neutral point


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key for one handshake: its public key is the dirty one, as the peer will compute it from the representative."""

    private: X25519PrivateKey = field(repr=False)
    public: bytes
    representative: bytes


def square_root(value: int) -> int | None:
    """Return a square root modulo p, ``None`` where there is none (p = 5 mod 8; RFC 9380, appendix I.2)."""
    root = pow(value, (P + 3) // 8, P)
    if (root * root - value) % P:
        root = root * _SQRT_OF_MINUS_ONE % P
    return None if (root * root - value) % P else root


def to_public(representative: bytes) -> bytes:
    """Return the public key that a representative (32 bytes) stands for; the two top bits mean nothing."""
    r = int.from_bytes(representative, "little") & ((1 << 254) - 1)
    u = -A * pow(1 + 2 * r * r, -1, P) % P  # 1 + 2r² is never 0: -1/2 is no square
    if not _on_curve(u):
        u = (-A - u) % P
    return u.to_bytes(KEY_BYTES, "little")


def to_representative(u: int, *, negative: bool) -> int | None:
    """Return the representative of a u coordinate, ``None`` for those that have none.

    ``negative`` chooses between the two that each has: the one that the map takes to u at once, and the other.
    """
    if u in (0, P - A):
        return None
    above, below = (u + A, u) if negative else (u, u + A)
    root = square_root(-above * pow(2 * below, -1, P) % P)
    return None if root is None else min(root, P - root)


def make_key(random: random.Random) -> KeyPair:
    """Return a new key pair that has a representative; every second try gives one. ``random`` must be fit for keys."""
    while True:
        private = X25519PrivateKey.from_private_bytes(random.randbytes(KEY_BYTES))
        clean = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        u = int.from_bytes(clean, "little")
        v = square_root((u * u + A * u + 1) * u % P)
        if v is None:
            raise AssertionError  # pragma: no cover - public keys lie on the curve
        point = add((u, v), torsion()[random.randrange(8)])
        if point is None:
            continue  # pragma: no cover - no public key is a point of order eight
        representative = to_representative(point[0], negative=bool(random.getrandbits(1)))
        if representative is not None:
            tweaked = representative | random.getrandbits(2) << 254
            return KeyPair(
                private, point[0].to_bytes(KEY_BYTES, "little"), tweaked.to_bytes(KEY_BYTES, "little")
            )


def add(left: Point, right: Point) -> Point:
    """Add two points of v² = u³ + Au² + u (RFC 7748, section 4.1, in affine coordinates)."""
    if left is None or right is None:
        return right if left is None else left
    (u1, v1), (u2, v2) = left, right
    if u1 == u2:
        if (v1 + v2) % P == 0:
            return None
        slope = (3 * u1 * u1 + 2 * A * u1 + 1) * pow(2 * v1, -1, P) % P
    else:
        slope = (v2 - v1) * pow(u2 - u1, -1, P) % P
    u3 = (slope * slope - A - u1 - u2) % P
    return u3, (slope * (u1 - u3) - v1) % P


@functools.cache
def torsion() -> tuple[Point, ...]:
    """Return the eight points whose order divides eight."""
    v = square_root((_ORDER_8 * _ORDER_8 + A * _ORDER_8 + 1) * _ORDER_8 % P)
    if v is None:
        raise AssertionError  # pragma: no cover - a constant
    points: list[Point] = [None]
    for _ in range(7):
        points.append(add(points[-1], (_ORDER_8, v)))
    return tuple(points)


def _on_curve(u: int) -> bool:
    """Tell whether u is the coordinate of a point of the curve (and not of its twist)."""
    return square_root((u * u + A * u + 1) * u % P) is not None
