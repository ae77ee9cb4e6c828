"""A certificate authority for the tests, and the certificates that must not be believed."""

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
    """A certificate authority that writes what it issues into a directory."""

    def __init__(self, directory: Path, name: str) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._issued = 0
        self._key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        subject = _subject(name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=400))
            .not_valid_after(now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self._key.public_key()), critical=False)
        )
        self.certificate = builder.sign(self._key, hashes.SHA256())
        #: The root as a PEM file: what ``--ca`` takes.
        self.pem_file = directory / f"{name.replace(' ', '-')}.pem"
        self.pem_file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

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
        key_pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._issued += 1  # two certificates of one label must not share files
        chain = pem if alone else pem + self.certificate.public_bytes(serialization.Encoding.PEM)
        parts = {"certificate": pem, "chain": chain, "key": key_pem, "everything": key_pem + chain}
        paths = {part: self._directory / f"{label}-{self._issued}-{part}.pem" for part in parts}
        for part, content in parts.items():
            paths[part].write_bytes(content)
            paths[part].chmod(0o600)
        return Credentials(**paths, der=certificate.public_bytes(serialization.Encoding.DER))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """The authority that the tests trust, one that they do not, and one example of every bad certificate.

    Every bad certificate is for ``names`` (except ``wrong_name``) and has exactly one thing wrong.
    """

    authority: Authority
    stranger: Authority
    names: tuple[str, ...]
    good: Credentials
    rsa: Credentials
    expired: Credentials
    not_yet_valid: Credentials
    self_signed: Credentials
    unknown_authority: Credentials
    wrong_name: Credentials
    long_list: Credentials

    @property
    def ca_file(self) -> Path:
        """The trusted root as a PEM file."""
        return self.authority.pem_file


def make_pki(directory: Path, names: Sequence[str]) -> Pki:
    """Make both authorities and all certificates for ``names``."""
    authority = Authority(directory / "authority", "circumvent laboratory")
    stranger = Authority(directory / "stranger", "circumvent stranger")
    day = timedelta(days=1)
    return Pki(
        authority=authority,
        stranger=stranger,
        names=tuple(names),
        good=authority.issue("good", names),
        rsa=authority.issue("rsa", names, algorithm="rsa"),
        expired=authority.issue("expired", names, begins=-30 * day, ends=-3 * day),
        not_yet_valid=authority.issue("not-yet-valid", names, begins=3 * day, ends=30 * day),
        self_signed=authority.issue("self-signed", names, self_signed=True),
        unknown_authority=stranger.issue("unknown-authority", names),
        wrong_name=authority.issue("wrong-name", ["another.example"]),
        long_list=authority.issue("long-list", [f"name-{number}.example" for number in range(300)]),
    )


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
