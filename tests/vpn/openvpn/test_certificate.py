"""What profiles want of a server's certificate, on certificates made for it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from circumvent.model.openvpn import NameMode, ServerRules
from circumvent.net.errors import PeerError
from circumvent.vpn.openvpn.certificate import check_issuer, check_leaf, subject_text

KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*, uses: tuple[ObjectIdentifier, ...] = (), usage: bool = False) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KG"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "A, B"),
            x509.NameAttribute(NameOID.COMMON_NAME, "first"),
            x509.NameAttribute(NameOID.COMMON_NAME, "server-7"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.example"),
        ]
    )
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if usage:
        bits = dict.fromkeys(
            (
                "content_commitment",
                "data_encipherment",
                "key_agreement",
                "key_cert_sign",
                "crl_sign",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(digital_signature=True, key_encipherment=True, **bits), critical=False
        )
    return builder.sign(KEY, hashes.SHA256())


PLAIN = certificate()
SERVER = certificate(uses=(ExtendedKeyUsageOID.SERVER_AUTH,), usage=True)
DIGEST = hashlib.sha256(SERVER.public_bytes(Encoding.DER)).digest()


def test_a_subject_as_openvpn_writes_it() -> None:
    assert subject_text(PLAIN.subject) == "C=KG, O=A, B, CN=first, CN=server-7, emailAddress=a@b.example"


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"name": "server-7", "name_mode": NameMode.NAME},
        {"name": "server-", "name_mode": NameMode.PREFIX},
        {"name": subject_text(SERVER.subject)},
        {"server_use": True},
        {"extended_use": "TLS Web Server Authentication"},
        {"extended_use": "serverAuth"},
        {"extended_use": "1.3.6.1.5.5.7.3.1"},
        {"key_usages": (0x06, 0xA0)},
        {"fingerprints": (bytes(32), DIGEST)},
    ],
)
def test_what_fits(rules: dict[str, Any]) -> None:
    check_leaf(SERVER, ServerRules(**rules))


@pytest.mark.parametrize(
    ("rules", "error"),
    [
        ({"name": "first", "name_mode": NameMode.NAME}, "ssl_invalid_hostname"),
        ({"name": "erver", "name_mode": NameMode.PREFIX}, "ssl_invalid_hostname"),
        ({"name": "server-7"}, "ssl_invalid_hostname"),
        ({"extended_use": "clientAuth"}, "ssl_invalid_certificate"),
        ({"extended_use": "no object"}, "ssl_invalid_certificate"),
        ({"key_usages": (0x06,)}, "ssl_invalid_certificate"),
        ({"fingerprints": (bytes(32),)}, "wrong_key"),
    ],
)
def test_what_does_not(rules: dict[str, Any], error: str) -> None:
    with pytest.raises(PeerError) as raised:
        check_leaf(SERVER, ServerRules(**rules))
    assert raised.value.error == error


def test_a_certificate_that_says_nothing_of_its_use() -> None:
    for rules in ({"server_use": True}, {"key_usages": (0x80,)}, {"extended_use": "serverAuth"}):
        with pytest.raises(PeerError):
            check_leaf(PLAIN, ServerRules(**rules))
    check_leaf(PLAIN, ServerRules())


def test_digests_of_the_issuer() -> None:
    der = SERVER.public_bytes(Encoding.DER)
    check_issuer(SERVER, ServerRules(issuer_hashes=(hashlib.sha1(der).digest(),)))
    check_issuer(SERVER, ServerRules(issuer_hashes=(DIGEST,)))
    check_issuer(SERVER, ServerRules())
    with pytest.raises(PeerError, match="wrong_key"):
        check_issuer(SERVER, ServerRules(issuer_hashes=(bytes(32),)))
