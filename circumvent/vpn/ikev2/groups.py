"""Diffie-Hellman: curve25519 (RFC 8031), ecp256 and ecp384 (RFC 5903), modp2048 (RFC 3526).

Curves are OpenSSL's. The finite field is Python's own ``pow`` with the prime of RFC 3526, because ``cryptography`` has
announced that it will drop that arithmetic. It does not take constant time; a key serves one exchange and is gone.
"""

from __future__ import annotations

import secrets
from typing import Final, Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Group

#: RFC 3526, section 3; the generator is 2.
_MODP_2048: Final = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
_MODP_BYTES: Final = 256
_EXPONENT_BITS: Final = 320
_CURVES: Final = {Group.ECP_256: (ec.SECP256R1, 32), Group.ECP_384: (ec.SECP384R1, 48)}
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
    if group is Group.MODP_2048:
        return _Modp()
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
    def __init__(self) -> None:
        # RFC 3526, section 8: exponents of 220 to 320 bits for this group.
        self._secret = secrets.randbits(_EXPONENT_BITS) | 1 << _EXPONENT_BITS - 1
        self.group = Group.MODP_2048
        self.public = pow(2, self._secret, _MODP_2048).to_bytes(_MODP_BYTES, "big")

    def shared(self, peer: bytes) -> bytes:
        value = int.from_bytes(peer, "big")
        if len(peer) != _MODP_BYTES or not 1 < value < _MODP_2048 - 1:
            raise IkeError(_NO_VALUE)
        return pow(value, self._secret, _MODP_2048).to_bytes(_MODP_BYTES, "big")
