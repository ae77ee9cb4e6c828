"""Who answers: the certificates of a CERTS cell, verified down to both identities (tor-spec, "CERTS cells").

::

    RSA identity (1024 bits, signs itself)      type 2     its SHA-1 is the fingerprint of bridge lines
      └─ cross-certificate                      type 7     vouches for the Ed25519 identity
           └─ Ed25519 identity ─► signing key   type 4
                └─ signing key ─► TLS link      type 5     SHA-256 of the certificate of this very connection
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from circumvent.tor.ed25519_cert import (
    KEY_ED25519,
    KEY_SHA256_OF_X509,
    Ed25519Certificate,
    parse,
    verify_cross_certificate,
)
from circumvent.tor.errors import NotValidNowError, TorError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.tor.cells import Certificate

# Specification (cert-spec, "Certificate types").
RSA_IDENTITY: Final = 2
IDENTITY_TO_SIGNING: Final = 4
SIGNING_TO_LINK: Final = 5
RSA_TO_ED25519: Final = 7
RSA_BITS: Final = 1024


@dataclass(frozen=True, slots=True)
class Identity:
    """Who proved to be at the other end: SHA-1 of the RSA identity key (20 bytes), and the Ed25519 identity (32)."""

    fingerprint: bytes
    ed25519: bytes


def verify(certificates: Sequence[Certificate], tls_certificate: bytes, now: float) -> Identity:
    """Verify a relay's certificates for the TLS connection with ``tls_certificate`` (DER) and return its identity.

    ``now`` is in seconds since 1970.

    :raises TorError: when one is missing, doubled or not signed as it must be: nobody proved anything.
    :raises NotValidNowError: when all that is wrong is the time.
    """
    rsa = _rsa_identity(_only(certificates, RSA_IDENTITY))
    to_signing = parse(_only(certificates, IDENTITY_TO_SIGNING))
    to_link = parse(_only(certificates, SIGNING_TO_LINK))
    _require_type(to_signing, IDENTITY_TO_SIGNING, KEY_ED25519)
    _require_type(to_link, SIGNING_TO_LINK, KEY_SHA256_OF_X509)
    if to_signing.signed_with is None:
        raise TorError("the signing key's certificate does not name the identity")
    if to_link.key != hashlib.sha256(tls_certificate).digest():
        raise TorError("the certificates are for another TLS connection")
    identity = to_signing.signed_with
    cross = _only(certificates, RSA_TO_ED25519)
    checks: tuple[Callable[[], None], ...] = (
        lambda: to_signing.verify(identity, now),
        lambda: to_link.verify(to_signing.key, now),
        lambda: verify_cross_certificate(cross, ed25519_identity=identity, rsa=rsa.key, now=now),
        lambda: rsa.require_valid(now),
    )
    late: list[NotValidNowError] = []
    for check in checks:
        try:
            check()
        except NotValidNowError as exc:
            late.append(exc)  # a wrong signature further down weighs more
    if late:
        raise late[0]
    return Identity(fingerprint_of(rsa.key), identity)


def fingerprint_of(key: RSAPublicKey) -> bytes:
    """Return the SHA-1 of an RSA key as Tor writes it (PKCS #1)."""
    return hashlib.sha1(key.public_bytes(Encoding.DER, PublicFormat.PKCS1), usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class _Rsa:
    key: RSAPublicKey
    begins: float
    ends: float

    def require_valid(self, now: float) -> None:
        if not self.begins <= now <= self.ends:
            nearer = self.begins if now < self.begins else self.ends
            raise NotValidNowError("the RSA identity certificate is not valid at this time", nearer)


def _rsa_identity(data: bytes) -> _Rsa:
    """Read the RSA identity certificate and verify that it signs itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of serial numbers and the like, which prove nothing here
            certificate = x509.load_der_x509_certificate(data)
            key = certificate.public_key()
            certificate.verify_directly_issued_by(certificate)
            begins = certificate.not_valid_before_utc.timestamp()
            ends = certificate.not_valid_after_utc.timestamp()
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.InvalidVersion) as exc:
        raise TorError("the RSA identity certificate is broken, or does not sign itself") from exc
    if not isinstance(key, RSAPublicKey) or key.key_size != RSA_BITS:
        raise TorError("the RSA identity key is not one")
    return _Rsa(key, begins, ends)


def _only(certificates: Sequence[Certificate], kind: int) -> bytes:
    found = [certificate.body for certificate in certificates if certificate.kind == kind]
    if len(found) != 1:
        raise TorError("a certificate is missing, or there are two of its kind")
    return found[0]


def _require_type(certificate: Ed25519Certificate, kind: int, key_type: int) -> None:
    if (certificate.kind, certificate.key_type) != (kind, key_type):
        raise TorError("a certificate is of another type than its place says")
