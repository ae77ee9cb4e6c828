"""Tor's Ed25519 certificates, and the RSA signature that ties an Ed25519 identity to an old one (cert-spec)."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from circumvent.tor.errors import NotValidNowError, TorError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

# Specification (cert-spec, "Ed25519 Certificates").
VERSION: Final = 1
KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
HOUR: Final = 3600
_HEAD: Final = struct.Struct("!BBIB32sB")
_SIGNED_WITH: Final = 4  #: extension that holds the signing key
_AFFECTS_VALIDATION: Final = 1
#: Types of certified keys: an Ed25519 key, and the SHA-256 of an X.509 certificate.
KEY_ED25519: Final = 1
KEY_SHA256_OF_X509: Final = 3
_CROSS_PREFIX: Final = b"Tor TLS RSA/Ed25519 cross-certificate"

# Ours.
MOST_EXTENSIONS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Ed25519Certificate:
    """A certificate as it was read, and not yet verified.

    ``kind`` is what it is for (4: identity to signing key, 5: signing key to TLS certificate, …), ``key`` what it
    certifies, ``signed_with`` the key that it names as its signer; ``expires`` is in seconds since 1970.
    """

    kind: int
    expires: int
    key_type: int
    key: bytes
    signed_with: bytes | None
    signed: bytes
    signature: bytes

    def verify(self, signer: bytes, now: float) -> None:
        """Hold the signature against ``signer`` (32 bytes), and the expiry against ``now``.

        :raises TorError: when somebody else signed.
        :raises NotValidNowError: when it has expired.
        """
        if self.signed_with is not None and self.signed_with != signer:
            raise TorError("a certificate names another signer")
        verify_ed25519(signer, self.signature, self.signed)
        if now > self.expires:
            raise NotValidNowError("an Ed25519 certificate has expired", self.expires)


def verify_ed25519(key: bytes, signature: bytes, message: bytes) -> None:
    """Verify an Ed25519 signature.

    :raises TorError: when it is wrong, or the key is none.
    """
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError) as exc:
        raise TorError("an Ed25519 signature is wrong") from exc


def parse(data: bytes) -> Ed25519Certificate:
    """Read a certificate.

    :raises TorError: when it is broken, of another version, or holds an extension that must be understood and is not.
    """
    if len(data) < _HEAD.size + SIGNATURE_BYTES:
        raise TorError("an Ed25519 certificate ends early")
    version, kind, hours, key_type, key, count = _HEAD.unpack_from(data)
    if version != VERSION or count > MOST_EXTENSIONS:
        raise TorError("an Ed25519 certificate of a version that is not known")
    end = len(data) - SIGNATURE_BYTES
    position, signed_with = _HEAD.size, None
    for _ in range(count):
        if position + 4 > end:
            raise TorError("an Ed25519 certificate ends early")
        length, extension, flags = struct.unpack_from("!HBB", data, position)
        value = data[position + 4 : min(position + 4 + length, end)]
        position += 4 + length
        if extension == _SIGNED_WITH and length == KEY_BYTES:
            signed_with = value
        elif extension == _SIGNED_WITH or flags & _AFFECTS_VALIDATION:
            raise TorError("an Ed25519 certificate with an extension that is not known")
    if position != end:
        raise TorError("an Ed25519 certificate whose lengths do not fit")
    return Ed25519Certificate(
        kind=kind,
        expires=hours * HOUR,
        key_type=key_type,
        key=key,
        signed_with=signed_with,
        signed=data[:end],
        signature=data[end:],
    )


def verify_cross_certificate(data: bytes, *, ed25519_identity: bytes, rsa: RSAPublicKey, now: float) -> None:
    """Verify that the RSA identity vouches for the Ed25519 one (cert-spec, "RSA->Ed25519 cross-certificate").

    :raises TorError: when it does not.
    :raises NotValidNowError: when it did until its end.
    """
    if len(data) < 37 or len(data) != 37 + data[36] or data[:32] != ed25519_identity:
        raise TorError("the cross-certificate is for another key, or broken")
    digest = hashlib.sha256(_CROSS_PREFIX + data[:36]).digest()
    if recover(rsa, data[37:]) != digest:
        raise TorError("the cross-certificate is not signed with the RSA identity")
    (hours,) = struct.unpack_from("!I", data, 32)
    if now > hours * HOUR:
        raise NotValidNowError("the cross-certificate has expired", hours * HOUR)


def recover(key: RSAPublicKey, signature: bytes) -> bytes:
    """Return what was signed: Tor pads digests as PKCS #1 v1.5 does, without naming the hash.

    :raises TorError: when that padding does not come out.
    """
    try:
        return key.recover_data_from_signature(signature, PKCS1v15(), None)
    except (InvalidSignature, ValueError) as exc:
        raise TorError("an RSA signature is wrong") from exc
