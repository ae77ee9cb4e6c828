"""Profiles of IKEv2 in every form, made of certificates that protect nothing."""

from __future__ import annotations

import plistlib
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12

from circumvent.lab.world.authority import Authority

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.authority import Credentials

#: Never in any output.
PSK = "a-shared-secret-0123456789"
PASSWORD = "correct-horse-battery"
USER = "anna-the-user"


@cache
def credentials(directory: Path) -> tuple[Authority, Credentials]:
    """Return an authority, and a client of it."""
    authority = Authority(directory, "profiles")
    return authority, authority.issue("client", ["client.example"])


def p12(given: Credentials, password: str = PASSWORD) -> bytes:
    """Return a key file."""
    key = serialization.load_pem_private_key(given.key.read_bytes(), None)
    leaf = x509.load_der_x509_certificate(given.der)
    protection = serialization.BestAvailableEncryption(password.encode())
    return pkcs12.serialize_key_and_certificates(b"client", key, leaf, None, protection)  # type: ignore[arg-type]  # an EC key


def vpn(*, kind: str = "IKEv2", name: str = "office", **ikev2: Any) -> dict[str, Any]:
    """Return a VPN payload."""
    return {
        "PayloadType": "com.apple.vpn.managed",
        "PayloadUUID": "11111111-2222-3333-4444-555555555555",
        "UserDefinedName": name,
        "VPNType": kind,
        "IKEv2": {"RemoteAddress": "vpn.example.com", "RemoteIdentifier": "vpn.example.com", **ikev2},
    }


def profile(*payloads: dict[str, Any]) -> bytes:
    """Return a profile."""
    return plistlib.dumps(
        {"PayloadType": "Configuration", "PayloadVersion": 1, "PayloadContent": list(payloads)}
    )


def signed(data: bytes, given: Credentials) -> bytes:
    """Return the profile, signed as ``openssl smime -sign -nodetach -outform der`` does."""
    key = serialization.load_pem_private_key(given.key.read_bytes(), None)
    leaf = x509.load_der_x509_certificate(given.der)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(leaf, key, hashes.SHA256())  # type: ignore[arg-type]  # an EC key
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
