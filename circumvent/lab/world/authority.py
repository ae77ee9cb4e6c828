"""A certificate authority, and the certificates that it issues: right ones, and wrong in any one way.

With ``cryptography`` alone; the keys are files of the laboratory and protect nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A certificate with its key, as PEM files.

    ``chain`` has the certificate and what a server should send after it; ``everything`` has the key too.
    """

    certificate: Path
    chain: Path
    key: Path
    everything: Path
    der: bytes

    @property
    def sha256(self) -> bytes:
        """SHA-256 of the certificate in DER form."""
        return hashlib.sha256(self.der).digest()


class Authority:
    """A certificate authority that writes what it issues into a directory.

    A directory that holds one already is read again, so that several processes can issue for one authority.
    """

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._issued = 0
        stem = name.replace(" ", "-")
        #: The root as a PEM file: what ``--ca`` takes.
        self.pem_file = directory / f"{stem}.pem"
        key_file = directory / f"{stem}.key"
        if key_file.exists():
            key = serialization.load_pem_private_key(key_file.read_bytes(), None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise TypeError(f"{key_file} holds no elliptic-curve key")
            self._key = key
            self.certificate = x509.load_pem_x509_certificate(self.pem_file.read_bytes())
            return
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = _root(self._key, name)
        self.pem_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        _write_secret(key_file, _key_pem(self._key))

    @property
    def pem(self) -> str:
        """The root as PEM text."""
        return self.pem_file.read_text(encoding="ascii")

    def issue(
        self,
        label: str,
        names: Sequence[str],
        *,
        begins: timedelta = timedelta(days=-1),
        ends: timedelta = timedelta(days=90),
        algorithm: Literal["ec", "rsa"] = "ec",
        self_signed: bool = False,
    ) -> Credentials:
        """Issue a certificate for DNS names and IP addresses, valid from ``begins`` to ``ends`` from now."""
        key: _Key = (
            ec.generate_private_key(ec.SECP256R1())
            if algorithm == "ec"
            else rsa.generate_private_key(public_exponent=65537, key_size=2048)
        )
        subject = _subject(label)
        issuer = subject if self_signed else self.certificate.subject
        signer = key if self_signed else self._key
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
            )
        )
        certificate = builder.sign(signer, hashes.SHA256())
        return self._write(label, certificate, key, alone=self_signed)

    def _write(self, label: str, certificate: x509.Certificate, key: _Key, *, alone: bool) -> Credentials:
        pem = certificate.public_bytes(serialization.Encoding.PEM)
        key_pem = _key_pem(key)
        self._issued += 1  # two certificates of one label must not share files
        chain = pem if alone else pem + self.certificate.public_bytes(serialization.Encoding.PEM)
        parts = {"certificate": pem, "chain": chain, "key": key_pem, "everything": key_pem + chain}
        paths = {part: self._directory / f"{label}-{self._issued}-{part}.pem" for part in parts}
        for part, content in parts.items():
            _write_secret(paths[part], content)
        return Credentials(**paths, der=certificate.public_bytes(serialization.Encoding.DER))


def _root(key: ec.EllipticCurvePrivateKey, name: str) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(_subject(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def _key_pem(key: _Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(content)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
