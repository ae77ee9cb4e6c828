"""Hybrid public key encryption, base mode, sender and recipient (RFC 9180).

One key encapsulation (DHKEM with X25519 and HKDF-SHA256), one key derivation (HKDF-SHA256), three ciphers: what is in
use. One message a context, which is all that Oblivious DoH wants, so there is no sequence number.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

if TYPE_CHECKING:
    from collections.abc import Callable

#: RFC 9180, section 7: DHKEM(X25519, HKDF-SHA256) and HKDF-SHA256.
KEM_X25519: Final = 0x0020
KDF_SHA256: Final = 0x0001
HASH_BYTES: Final = 32
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_MODE_BASE: Final = b"\0"
_VERSION: Final = b"HPKE-v1"


class HpkeError(ValueError):
    """A key is unusable, or a message was not made for this key."""


class Aead(IntEnum):
    """The ciphers (RFC 9180, section 7.3)."""

    AES_128_GCM = 1
    AES_256_GCM = 2
    CHACHA20_POLY1305 = 3

    @property
    def key_bytes(self) -> int:
        """Return the length of a key (Nk)."""
        return 16 if self is Aead.AES_128_GCM else 32

    def seal(self, key: bytes, nonce: bytes, message: bytes, aad: bytes) -> bytes:
        """Encrypt."""
        return self._make(key).encrypt(nonce, message, aad)

    def open(self, key: bytes, nonce: bytes, box: bytes, aad: bytes) -> bytes:
        """Decrypt.

        :raises HpkeError: when the tag is wrong.
        """
        try:
            return self._make(key).decrypt(nonce, box, aad)
        except InvalidTag as exc:
            raise HpkeError("the authentication tag is wrong") from exc

    @property
    def _make(self) -> Callable[[bytes], AESGCM | ChaCha20Poly1305]:
        return ChaCha20Poly1305 if self is Aead.CHACHA20_POLY1305 else AESGCM


@dataclass(frozen=True, slots=True)
class Context:
    """What both sides share after the encapsulation (RFC 9180, section 5.1)."""

    aead: Aead
    key: bytes = field(repr=False)
    nonce: bytes = field(repr=False)
    exporter_secret: bytes = field(repr=False)

    def seal(self, message: bytes, aad: bytes) -> bytes:
        """Encrypt the one message."""
        return self.aead.seal(self.key, self.nonce, message, aad)

    def open(self, box: bytes, aad: bytes) -> bytes:
        """Decrypt the one message.

        :raises HpkeError: when it was not made for this key.
        """
        return self.aead.open(self.key, self.nonce, box, aad)

    def export(self, exporter_context: bytes, length: int) -> bytes:
        """Return a secret that both sides know (RFC 9180, section 5.3)."""
        return _labeled_expand(_suite(self.aead), self.exporter_secret, b"sec", exporter_context, length)


def setup_sender(
    public_key: bytes, info: bytes, aead: Aead, ephemeral: X25519PrivateKey | None = None
) -> tuple[bytes, Context]:
    """Return the encapsulated key and the context (SetupBaseS); ``ephemeral`` is for test vectors.

    :raises HpkeError: when ``public_key`` is unusable.
    """
    ephemeral = X25519PrivateKey.generate() if ephemeral is None else ephemeral
    encapsulated = ephemeral.public_key().public_bytes_raw()
    secret = _shared_secret(ephemeral, public_key, encapsulated + public_key)
    return encapsulated, _schedule(secret, info, aead)


def setup_recipient(private_key: X25519PrivateKey, encapsulated: bytes, info: bytes, aead: Aead) -> Context:
    """Return the context of the side that holds the key (SetupBaseR).

    :raises HpkeError: when ``encapsulated`` is unusable.
    """
    own = private_key.public_key().public_bytes_raw()
    return _schedule(_shared_secret(private_key, encapsulated, encapsulated + own), info, aead)


def derive_private_key(seed: bytes) -> X25519PrivateKey:
    """Return the key pair of a seed (DeriveKeyPair of DHKEM(X25519), RFC 9180, section 7.1.3)."""
    suite = b"KEM" + KEM_X25519.to_bytes(2, "big")
    extracted = _labeled_extract(suite, b"", b"dkp_prk", seed)
    return X25519PrivateKey.from_private_bytes(_labeled_expand(suite, extracted, b"sk", b"", KEY_BYTES))


def extract(salt: bytes, key_material: bytes) -> bytes:
    """HKDF-Extract with SHA-256 (RFC 5869, section 2.2)."""
    return hmac.digest(salt or bytes(HASH_BYTES), key_material, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869, section 2.3)."""
    output = block = b""
    for counter in range(1, -(-length // HASH_BYTES) + 1):
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def _shared_secret(private_key: X25519PrivateKey, public_key: bytes, kem_context: bytes) -> bytes:
    """ExtractAndExpand of DHKEM (RFC 9180, section 4.1)."""
    try:
        exchanged = private_key.exchange(X25519PublicKey.from_public_bytes(public_key))
    except ValueError as exc:
        raise HpkeError("the public key is unusable") from exc
    suite = b"KEM" + KEM_X25519.to_bytes(2, "big")
    extracted = _labeled_extract(suite, b"", b"eae_prk", exchanged)
    return _labeled_expand(suite, extracted, b"shared_secret", kem_context, HASH_BYTES)


def _schedule(shared_secret: bytes, info: bytes, aead: Aead) -> Context:
    """KeySchedule in base mode: no pre-shared key (RFC 9180, section 5.1)."""
    suite = _suite(aead)
    context = _MODE_BASE + _labeled_extract(suite, b"", b"psk_id_hash", b"")
    context += _labeled_extract(suite, b"", b"info_hash", info)
    secret = _labeled_extract(suite, shared_secret, b"secret", b"")
    return Context(
        aead=aead,
        key=_labeled_expand(suite, secret, b"key", context, aead.key_bytes),
        nonce=_labeled_expand(suite, secret, b"base_nonce", context, NONCE_BYTES),
        exporter_secret=_labeled_expand(suite, secret, b"exp", context, HASH_BYTES),
    )


def _suite(aead: Aead) -> bytes:
    return b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (KEM_X25519, KDF_SHA256, aead))


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, key_material: bytes) -> bytes:
    return extract(salt, _VERSION + suite + label + key_material)


def _labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return expand(key, length.to_bytes(2, "big") + _VERSION + suite + label + info, length)
