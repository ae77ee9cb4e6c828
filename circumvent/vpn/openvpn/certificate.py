"""What a profile wants of the server's certificate beside its issuer (manual, *TLS Mode Options*; ``ssl_verify.c``).

Profiles trust an authority of their own and name no host: what makes a certificate a *server's*, and *this* server's,
is said by ``remote-cert-tls``, ``verify-x509-name`` and their relatives. Names are common names, not alternative names.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from circumvent.model import failure as failures
from circumvent.model.openvpn import NameMode
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.model.openvpn import ServerRules

#: Extended key usages by the names that OpenSSL and OpenVPN's manual give them.
_USES: Final = {
    "tls web server authentication": ExtendedKeyUsageOID.SERVER_AUTH,
    "serverauth": ExtendedKeyUsageOID.SERVER_AUTH,
    "tls web client authentication": ExtendedKeyUsageOID.CLIENT_AUTH,
    "clientauth": ExtendedKeyUsageOID.CLIENT_AUTH,
}
#: Parts of a subject as OpenSSL shortens them; others stand with their number.
_SHORT: Final = {
    NameOID.COUNTRY_NAME: "C",
    NameOID.STATE_OR_PROVINCE_NAME: "ST",
    NameOID.LOCALITY_NAME: "L",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.COMMON_NAME: "CN",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.SURNAME: "SN",
    NameOID.GIVEN_NAME: "GN",
    NameOID.TITLE: "title",
    NameOID.DOMAIN_COMPONENT: "DC",
    NameOID.USER_ID: "UID",
    ObjectIdentifier("2.5.4.41"): "name",
}
#: The bits of a key usage in the order of RFC 5280, section 4.2.1.3; the first is 0x80 of OpenVPN's numbers.
_USAGE_BITS: Final = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


def check_leaf(leaf: x509.Certificate, rules: ServerRules) -> None:
    """Decide whether the server's own certificate is what the profile wants.

    :raises PeerError: with ``wrong_key``, ``ssl_invalid_hostname`` or ``ssl_invalid_certificate``.
    """
    if rules.fingerprints and not _has_digest(leaf, rules.fingerprints):
        raise PeerError(
            failures.WRONG_KEY, "the server's certificate has another fingerprint than the profile says"
        )
    if rules.name is not None and not _named(leaf, rules.name, rules.name_mode):
        raise PeerError(
            failures.SSL_INVALID_HOSTNAME, "the certificate has another name than the profile says"
        )
    if rules.server_use:
        _require_usage(leaf, ())
        _require_use(leaf, ExtendedKeyUsageOID.SERVER_AUTH)
    if rules.key_usages:
        _require_usage(leaf, rules.key_usages)
    if rules.extended_use is not None:
        _require_use(leaf, _object(rules.extended_use))


def check_issuer(issuer: x509.Certificate, rules: ServerRules) -> None:
    """Decide whether the certificate that issued the server's has a digest of ``verify-hash``.

    :raises PeerError: ``wrong_key`` when it has not.
    """
    if rules.issuer_hashes and not _has_digest(issuer, rules.issuer_hashes):
        raise PeerError(
            failures.WRONG_KEY, "the issuer's certificate has another digest than the profile says"
        )


def subject_text(name: x509.Name) -> str:
    """Return a subject as OpenVPN writes it since 2.3: ``C=KG, O=Test, CN=server``."""
    groups = []
    for group in name.rdns:
        parts = (f"{_SHORT.get(part.oid, part.oid.dotted_string)}={_plain(part.value)}" for part in group)
        groups.append(" + ".join(parts))
    return ", ".join(groups)


def _plain(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.hex()


def _named(leaf: x509.Certificate, wanted: str, mode: NameMode) -> bool:
    if mode is NameMode.SUBJECT:
        return subject_text(leaf.subject) == wanted
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not names:
        return False
    last = _plain(names[-1].value)
    return last == wanted if mode is NameMode.NAME else last.startswith(wanted)


def _has_digest(certificate: x509.Certificate, digests: Iterable[bytes]) -> bool:
    """Tell whether one of the digests (SHA-1 or SHA-256, by length) is the certificate's."""
    der = certificate.public_bytes(Encoding.DER)
    ours = {20: hashlib.sha1(der, usedforsecurity=False).digest(), 32: hashlib.sha256(der).digest()}
    return any(hmac.compare_digest(ours.get(len(digest), b""), digest) for digest in digests)


def _require_usage(leaf: x509.Certificate, masks: tuple[int, ...]) -> None:
    """Want the extension *key usage*, with all bits of one of the masks (``remote-cert-ku``)."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        raise PeerError(failures.SSL_INVALID_CERTIFICATE, "the certificate says no key usage") from None
    bits = sum(0x80 >> place for place, name in enumerate(_USAGE_BITS) if getattr(usage, name))
    if masks and not any(bits & mask == mask for mask in masks):
        raise PeerError(failures.SSL_INVALID_CERTIFICATE, "the certificate is for another key usage")


def _require_use(leaf: x509.Certificate, wanted: ObjectIdentifier | None) -> None:
    try:
        uses = set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        uses = set()
    if wanted not in uses:
        raise PeerError(failures.SSL_INVALID_CERTIFICATE, "the certificate is not that of a server")


def _object(text: str) -> ObjectIdentifier | None:
    known = _USES.get(text.lower())
    if known is not None:
        return known
    try:
        return ObjectIdentifier(text)
    except ValueError:
        return None
