"""Who somebody is (RFC 7296, section 3.5): an address, a name, a mail address, a distinguished name, a key id."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from cryptography import x509

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Id
from circumvent.vpn.ikev2.payloads import pack_typed, parse_typed

#: Longest text of an identity, in characters.
LONGEST: Final = 1024
#: No zero bytes, and no halves of characters, which UTF-8 can't say.
_TEXT: Final = re.compile("[^\\x00\\ud800-\\udfff]+")
_DN: Final = re.compile(r"\s*[A-Za-z0-9.]+\s*=[^,=]")
_KEY_ID: Final = re.compile(r"@#([0-9A-Fa-f]{2}){1,256}")
#: What strongSwan and RFC 4514 call the attributes of distinguished names.
_ATTRIBUTES: Final = {
    "CN": x509.NameOID.COMMON_NAME,
    "C": x509.NameOID.COUNTRY_NAME,
    "O": x509.NameOID.ORGANIZATION_NAME,
    "OU": x509.NameOID.ORGANIZATIONAL_UNIT_NAME,
    "L": x509.NameOID.LOCALITY_NAME,
    "ST": x509.NameOID.STATE_OR_PROVINCE_NAME,
    "S": x509.NameOID.STATE_OR_PROVINCE_NAME,
    "DC": x509.NameOID.DOMAIN_COMPONENT,
    "E": x509.NameOID.EMAIL_ADDRESS,
    "EMAILADDRESS": x509.NameOID.EMAIL_ADDRESS,
    "UID": x509.NameOID.USER_ID,
}


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity as it stands in an ID payload."""

    kind: int
    data: bytes
    #: What a distinguished name says, where we wrote it.
    subject: x509.Name | None = field(default=None, compare=False)

    def pack(self) -> bytes:
        """Return the body of the ID payload."""
        return pack_typed(self.kind, self.data)

    @property
    def name(self) -> str | None:
        """Return a DNS name or address as text, ``None`` for other kinds."""
        if self.kind == Id.FQDN:
            return self.data.decode("ascii", "replace").lower().removesuffix(".")
        if (self.kind, len(self.data)) in ((Id.IPV4, 4), (Id.IPV6, 16)):
            return str(ipaddress.ip_address(self.data))
        return None

    @property
    def mail(self) -> str | None:
        """Return a mail address, ``None`` for other kinds."""
        return self.data.decode("ascii", "replace").lower() if self.kind == Id.RFC822 else None

    def matches(self, other: Identity) -> bool:
        """Tell whether both are the same, names and mail addresses without regard to case."""
        if self.kind != other.kind:
            return False
        own, others = self.name or self.mail, other.name or other.mail
        return self.data == other.data if own is None else own == others


def parse_identity(body: bytes) -> Identity:
    """Read the body of an ID payload.

    :raises IkeError: when it is too short or too long.
    """
    kind, data = parse_typed(body)
    if not 0 < len(data) <= 4 * LONGEST:
        raise IkeError("an identity of impossible length")
    return Identity(kind, data)


def identity(text: str) -> Identity:
    """Read an identity as people write it: an address, ``user@host``, ``CN=…, O=…``, ``@#hex``, else a name.

    :raises IkeError: when it can be none of these.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or not _TEXT.fullmatch(text):
        raise IkeError("an identity is empty, too long, or no text")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        pass
    else:
        return Identity(Id.IPV4 if address.version == 4 else Id.IPV6, address.packed)
    if _KEY_ID.fullmatch(text):
        return Identity(Id.KEY_ID, bytes.fromhex(text[2:]))
    if _DN.match(text):
        subject = _distinguished(text)
        return Identity(Id.DER_DN, subject.public_bytes(), subject)
    if text.startswith("@"):
        text = text[1:]
        return Identity(Id.FQDN, text.encode("utf-8"))
    return Identity(Id.RFC822 if "@" in text else Id.FQDN, text.encode("utf-8"))


def _distinguished(text: str) -> x509.Name:
    """Write a distinguished name in the order in which it was given."""
    parts = []
    for piece in text.split(","):
        key, equals, value = piece.partition("=")
        oid = _ATTRIBUTES.get(key.strip().upper())
        if not equals or oid is None or not value.strip():
            raise IkeError("a distinguished name has a part that is not known here")
        try:
            parts.append(x509.NameAttribute(oid, value.strip()))
        except ValueError as exc:
            raise IkeError("a distinguished name has an impossible part") from exc
    return x509.Name(parts)


def covers(certificate: x509.Certificate, wanted: Identity) -> bool:
    """Tell whether a certificate is for a mail address or a distinguished name.

    DNS names and addresses are judged where chains are. A distinguished name may be written in either order, and its
    string types do not matter.
    """
    if wanted.kind == Id.DER_DN:
        if certificate.subject.public_bytes() == wanted.data:
            return True
        theirs = [(part.oid, part.value) for part in certificate.subject]
        ours = [(part.oid, part.value) for part in wanted.subject or ()]
        return bool(ours) and ours in (theirs, theirs[::-1])
    mail = wanted.mail
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return mail is not None and mail in (one.lower() for one in names.get_values_for_type(x509.RFC822Name))
