"""Encryption with integrity, for IKE messages and for ESP alike.

A box seals a plaintext behind a prefix that stays in clear and is protected too: in authenticated encryption as
associated data (RFC 4106, RFC 5282), else as part of what the integrity check covers (RFC 7296, section 3.14).
What comes out is initialisation vector, ciphertext, integrity check value.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.keys import INTEGRITY
from circumvent.vpn.ikev2.numbers import COMBINED, Encr, Integ

if TYPE_CHECKING:
    from circumvent.vpn.ikev2.keys import BoxKeys

_BAD: Final = "the integrity check failed"
_AEAD_IV: Final = 8
_AEAD_TAG: Final = 16
_BLOCK: Final = 16


class Box(Protocol):
    """One direction of one SA. ``block`` is what the plaintext must be a multiple of."""

    block: int
    overhead: int

    def seal(self, prefix: bytes, plaintext: bytes) -> bytes:
        """Return IV, ciphertext and check value."""

    def open(self, prefix: bytes, sealed: bytes) -> bytes:
        """Return the plaintext.

        :raises IkeError: when it was not made with this key, or is too short.
        """


def make_box(encr: Encr, integ: Integ | None, keys: BoxKeys) -> Box:
    """Return the box of an encryption, an integrity algorithm and their keys."""
    if encr in COMBINED:
        return _AeadBox(AESGCM if encr is Encr.AES_GCM_16 else ChaCha20Poly1305, keys.encr)
    if integ is None:
        raise IkeError("no integrity algorithm")
    return _CbcBox(keys.encr, integ, keys.integ)


class _AeadBox:
    """AES-GCM or ChaCha20-Poly1305 with a check value of 16 bytes (RFC 4106 and RFC 5282, section 3; RFC 7634)."""

    block = 1
    overhead = _AEAD_IV + _AEAD_TAG

    def __init__(self, cipher: type[AESGCM | ChaCha20Poly1305], key: bytes) -> None:
        self._cipher = cipher(key[:-4])
        self._salt = key[-4:]
        self._count = 0

    def seal(self, prefix: bytes, plaintext: bytes) -> bytes:
        self._count += 1  # an IV must never come twice under one key; a counter can't
        iv = self._count.to_bytes(_AEAD_IV, "big")
        return iv + self._cipher.encrypt(self._salt + iv, plaintext, prefix)

    def open(self, prefix: bytes, sealed: bytes) -> bytes:
        if len(sealed) < self.overhead:
            raise IkeError(_BAD)
        iv, rest = sealed[:_AEAD_IV], sealed[_AEAD_IV:]
        try:
            return self._cipher.decrypt(self._salt + iv, rest, prefix)
        except InvalidTag as exc:
            raise IkeError(_BAD) from exc


class _CbcBox:
    """AES-CBC (RFC 3602) with an HMAC over everything before it."""

    block = _BLOCK

    def __init__(self, key: bytes, integ: Integ, integ_key: bytes) -> None:
        self._algorithm = algorithms.AES(key)
        self._hash, _, self._tag = INTEGRITY[integ]
        self._integ_key = integ_key
        self.overhead = _BLOCK + self._tag

    def seal(self, prefix: bytes, plaintext: bytes) -> bytes:
        iv = secrets.token_bytes(_BLOCK)
        encryptor = Cipher(self._algorithm, modes.CBC(iv)).encryptor()
        hidden = iv + encryptor.update(plaintext) + encryptor.finalize()
        return hidden + self._check(prefix + hidden)

    def open(self, prefix: bytes, sealed: bytes) -> bytes:
        hidden, check = sealed[: -self._tag], sealed[-self._tag :]
        if len(hidden) < 2 * _BLOCK or len(hidden) % _BLOCK:
            raise IkeError(_BAD)
        if not hmac.compare_digest(self._check(prefix + hidden), check):
            raise IkeError(_BAD)
        decryptor = Cipher(self._algorithm, modes.CBC(hidden[:_BLOCK])).decryptor()
        return decryptor.update(hidden[_BLOCK:]) + decryptor.finalize()

    def _check(self, data: bytes) -> bytes:
        return hmac.digest(self._integ_key, data, self._hash)[: self._tag]
