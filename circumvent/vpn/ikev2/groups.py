"""Diffie-Hellman: curve25519 (RFC 8031), ecp256, ecp384, ecp521 (RFC 5903), modp1024 to modp4096 (RFC 7296, RFC 3526).

Curves are OpenSSL's. Finite fields are Python's own ``pow``, because ``cryptography`` has announced that it will drop that
arithmetic. It does not take constant time; a key serves one exchange and is gone.
"""

from __future__ import annotations

import functools
import secrets
from typing import Final, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Group

#: Bits of each finite field, and what is added to the digits of pi in its prime (RFC 7296, appendix B; RFC 3526).
_FIELDS: Final = {
    Group.MODP_1024: (1024, 129093),
    Group.MODP_1536: (1536, 741804),
    Group.MODP_2048: (2048, 124476),
    Group.MODP_3072: (3072, 1690314),
    Group.MODP_4096: (4096, 240904),
}
_GENERATOR: Final = 2
#: RFC 3526, section 8: the largest of the recommended exponents for 4096 bits.
_EXPONENT_BITS: Final = 320
_CURVES: Final = {
    Group.ECP_256: (ec.SECP256R1, 32),
    Group.ECP_384: (ec.SECP384R1, 48),
    Group.ECP_521: (ec.SECP521R1, 66),
}
_NO_VALUE: Final = "the peer's public value is none of this group"


class KeyExchange(Protocol):
    """One fresh private key."""

    @property
    def group(self) -> Group:
        """The group it is of."""

    @property
    def public(self) -> bytes:
        """What goes into the KE payload."""

    def shared(self, peer: bytes) -> bytes:
        """Return the shared secret g^ir.

        :raises IkeError: when ``peer`` is no public value of this group.
        """


def key_exchange(group: Group) -> KeyExchange:
    """Make a fresh key pair."""
    if group is Group.CURVE25519:
        return _Curve25519()
    if group in _FIELDS:
        return _Modp(group)
    return _Ecp(group)


class _Curve25519:
    def __init__(self) -> None:
        self._key = x25519.X25519PrivateKey.generate()
        self.group = Group.CURVE25519
        self.public = self._key.public_key().public_bytes_raw()

    def shared(self, peer: bytes) -> bytes:
        try:  # a value of small order gives zero, which is refused (RFC 8031, section 2.3)
            return self._key.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        except ValueError as exc:
            raise IkeError(_NO_VALUE) from exc


class _Ecp:
    def __init__(self, group: Group) -> None:
        curve, self._size = _CURVES[group]
        self._curve = curve()
        self._key = ec.generate_private_key(self._curve)
        self.group = group
        point = self._key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        self.public = point[1:]  # x and y without the mark (RFC 5903, section 7)

    def shared(self, peer: bytes) -> bytes:
        if len(peer) != 2 * self._size:
            raise IkeError(_NO_VALUE)
        try:
            public = ec.EllipticCurvePublicKey.from_encoded_point(self._curve, b"\x04" + peer)
            return self._key.exchange(ec.ECDH(), public)
        except ValueError as exc:
            raise IkeError(_NO_VALUE) from exc


class _Modp:
    def __init__(self, group: Group) -> None:
        self._prime = prime(group)
        self._size = _FIELDS[group][0] // 8
        self._secret = secrets.randbits(_EXPONENT_BITS) | 1 << _EXPONENT_BITS - 1
        self.group = group
        self.public = pow(_GENERATOR, self._secret, self._prime).to_bytes(self._size, "big")

    def shared(self, peer: bytes) -> bytes:
        value = int.from_bytes(peer, "big")
        if len(peer) != self._size or not 1 < value < self._prime - 1:
            raise IkeError(_NO_VALUE)
        return pow(value, self._secret, self._prime).to_bytes(self._size, "big")


@functools.cache
def prime(group: Group) -> int:
    """Return the prime of a finite field: 2^n - 2^(n-64) - 1 + 2^64 * ([2^(n-130) pi] + c)."""
    bits, added = _FIELDS[group]
    return (1 << bits) - (1 << bits - 64) - 1 + (_pi(bits - 130) + added << 64)


def _pi(bits: int) -> int:
    """Return [2^bits pi], by Machin's formula: pi = 16 arctan(1/5) - 4 arctan(1/239)."""
    spare = 32  # for what every division cuts off
    one = 1 << bits + spare
    return (16 * _inverse_tangent(5, one) - 4 * _inverse_tangent(239, one)) >> spare


def _inverse_tangent(number: int, one: int) -> int:
    """Return arctan(1/number), ``one`` being 1."""
    power = one // number
    total, divisor, sign = power, 1, 1
    while power:
        power //= number * number
        divisor, sign = divisor + 2, -sign
        total += sign * (power // divisor)
    return total
