"""OpenVPN profiles for tests: keys and certificates that are real, and hold nobody's secrets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.vpn.openvpn.recorded import RECORDED

STATIC_KEY: Final[str] = RECORDED["static_key"]
CLIENT_KEY_V2: Final[str] = RECORDED["client_key_v2"]
PASSPHRASE: Final = "correct horse"


@cache
def identity() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A key and a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return key, builder.sign(key, hashes.SHA256())


def certificate() -> str:
    """The certificate as PEM."""
    return identity()[1].public_bytes(Encoding.PEM).decode()


def private_key(passphrase: str | None = None) -> str:
    """The key as PEM, locked with a passphrase if there is one."""
    lock = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase.encode())
    return identity()[0].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()


def block(tag: str, text: str) -> str:
    """An inline block."""
    return f"<{tag}>\n{text.strip()}\n</{tag}>"


def profile(*lines: str, remote: str = "remote vpn.example.net 1194") -> str:
    """A profile with a certificate, and more lines."""
    blocks = [block("ca", certificate()), block("cert", certificate()), block("key", private_key())]
    return "\n".join(["client", "dev tun", remote, *lines, *blocks]) + "\n"
