"""Identities: as people write them, as they are compared, whom a certificate is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.identity import Identity, covers, identity, parse_identity
from circumvent.vpn.ikev2.numbers import Id


@pytest.mark.parametrize(
    ("text", "kind", "data"),
    [
        ("vpn.example.com", Id.FQDN, b"vpn.example.com"),
        ("@vpn.example.com", Id.FQDN, b"vpn.example.com"),
        ("anna@example.com", Id.RFC822, b"anna@example.com"),
        ("198.51.100.7", Id.IPV4, bytes([198, 51, 100, 7])),
        ("2001:db8::1", Id.IPV6, bytes.fromhex("20010db8000000000000000000000001")),
        ("@#c0ffee", Id.KEY_ID, b"\xc0\xff\xee"),
        ("anna", Id.FQDN, b"anna"),
    ],
)
def test_what_people_write(text: str, kind: Id, data: bytes) -> None:
    assert identity(text) == Identity(kind, data)
    assert parse_identity(identity(text).pack()) == identity(text)


def test_names_are_compared_as_names() -> None:
    assert identity("VPN.example.com.").matches(identity("vpn.EXAMPLE.com"))
    assert not identity("vpn.example.com").matches(identity("anna@vpn.example.com"))
    assert not identity("vpn.example.com").matches(identity("other.example.com"))
    assert identity("198.51.100.7").name == "198.51.100.7"
    assert identity("Anna@Example.com").mail == "anna@example.com"


def certificate(subject: x509.Name, *names: x509.GeneralName) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    )
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(1))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256())


SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "circumvent"),
        x509.NameAttribute(NameOID.COMMON_NAME, "vpn"),
    ]
)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("C=CH, O=circumvent, CN=vpn", True),
        ("CN=vpn,O=circumvent,C=CH", True),
        ("C=CH, O=circumvent", False),
        ("C=CH, O=circumvent, CN=other", False),
        ("anna@example.com", True),
        ("ANNA@example.com", True),
        ("bob@example.com", False),
        ("vpn.example.com", False),  # names and addresses are judged elsewhere
    ],
)
def test_whom_a_certificate_is_for(text: str, right: bool) -> None:
    leaf = certificate(SUBJECT, x509.RFC822Name("Anna@example.com"), x509.DNSName("vpn.example.com"))
    assert covers(leaf, identity(text)) is right
    assert covers(leaf, Identity(Id.DER_DN, SUBJECT.public_bytes()))
    assert not covers(certificate(SUBJECT), identity("anna@example.com"))


@pytest.mark.parametrize(
    "text", ["", "  ", "x" * 2000, "a\0b", "\ud800", "XY=z", "CN=a, nonsense", "C=Switzerland"]
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(IkeError):
        identity(text)


@given(st.text(max_size=40))
def test_any_text_is_an_identity_or_the_one_error(text: str) -> None:
    try:
        found = identity(text)
    except IkeError:
        return
    assert found.matches(found)


@given(st.binary(max_size=40))
def test_any_bytes_are_an_identity_or_the_one_error(data: bytes) -> None:
    try:
        found = parse_identity(data)
    except IkeError:
        return
    assert (found.name, found.mail) == (found.name, found.mail)
