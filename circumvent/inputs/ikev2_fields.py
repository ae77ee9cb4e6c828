"""What profiles of IKEv2 have in common, whatever file they come in: certificates, keys, algorithms; and the TOML fields."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from circumvent.inputs.der import DerError, rounds
from circumvent.inputs.problem import LineError
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.secret import Secret
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.identity import identity
from circumvent.vpn.ikev2.suites import esp_offer, ike_offer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from circumvent.inputs.toml_fields import Fields

#: A certificate, key or key file has at most this many bytes, and a key file asks for at most this many rounds.
LARGEST: Final = 256 * 1024
MOST_ROUNDS: Final = 2_000_000
MOST_CERTIFICATES: Final = 16
_MARK: Final = "-----BEGIN "
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)

NO_CERTIFICATE: Final = "the certificate in this profile can't be read."
NO_KEY: Final = "the private key in this profile can't be read."
UNKNOWN_ALGORITHM: Final = "this profile asks for an algorithm that is not spoken here."


def certificates(data: bytes) -> list[x509.Certificate]:
    """Read certificates in PEM or one in DER.

    :raises LineError: when there is none that can be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if len(data) > LARGEST:
                raise ValueError("too large")
            if _MARK.encode() in data:
                found = x509.load_pem_x509_certificates(data)
            else:
                found = [x509.load_der_x509_certificate(data)]
            for one in found:
                _ = one.public_key(), one.subject
        except _UNREADABLE as exc:
            raise LineError(NO_CERTIFICATE) from exc
    return found[:MOST_CERTIFICATES]


def pem(found: Sequence[x509.Certificate]) -> str:
    """Write certificates in PEM."""
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode("ascii") for one in found)


def private_key(text: str) -> Secret:
    """Read a private key in PEM without a password.

    :raises LineError: when it can't be read, or is neither RSA nor ECDSA.
    """
    try:
        if len(text) > LARGEST:
            raise ValueError("too large")
        key = serialization.load_pem_private_key(text.encode("ascii", "replace"), None)
    except TypeError as exc:
        raise LineError("the private key is encrypted. Give it without a password.") from exc
    except _UNREADABLE as exc:
        raise LineError(NO_KEY) from exc
    return _usable(key)


def _usable(key: object) -> Secret:
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise LineError("the private key is neither RSA nor ECDSA, and other keys are not supported.")
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Secret(text.decode("ascii"))


def key_file(data: bytes, password: str | None) -> tuple[str, Secret]:
    """Read a PKCS #12 file: the certificates in PEM, the owner's first, and the key.

    :raises LineError: when it can't be read, the password is wrong or missing, or opening it would take for ever.
    """
    try:
        if len(data) > LARGEST or rounds(data) > MOST_ROUNDS:
            raise LineError("the key file in this profile is too large, or made to be slow.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            secret = None if password is None else password.encode("utf-8")
            key, leaf, others = pkcs12.load_key_and_certificates(data, secret)
    except DerError as exc:
        raise LineError(NO_KEY) from exc
    except LineError:
        raise
    except _UNREADABLE as exc:
        words = "the key file in this profile can't be opened: its password is wrong or missing, or it is damaged."
        raise LineError(words) from exc
    if key is None or leaf is None:
        raise LineError("the key file in this profile holds no key with its certificate.")
    return pem([leaf, *others[: MOST_CERTIFICATES - 1]]), _usable(key)


def check_settings(settings: Ikev2Settings) -> Ikev2Settings:
    """Return ``settings`` if they can be tried.

    :raises LineError: when an algorithm or an identity is not known here, or sorts of login contradict each other.
    """
    try:
        ike_offer(settings.proposals)
        esp_offer(settings.esp_proposals)
    except IkeError as exc:
        raise LineError(UNKNOWN_ALGORITHM) from exc
    try:
        for text in (settings.remote_id, settings.local_id):
            if text is not None:
                identity(text)
    except IkeError as exc:
        raise LineError("an identity in this profile can't be used.") from exc
    if (settings.certificate is None) != (settings.private_key is None):
        raise LineError("a certificate needs its private key, and a key its certificate.")
    if settings.psk is not None and settings.certificate is not None:
        raise LineError("a shared key and a certificate are two sorts of login. Leave one of them out.")
    return settings


def ikev2_settings(fields: Fields, folder: Path) -> Ikev2Settings:
    """Read the fields that ``ikev2`` has of its own in TOML; files named in it are looked for in ``folder``.

    :raises LineError: when one can't be used.
    """
    certificate = _pem_field(fields, "certificate", folder)
    key = _pem_field(fields, "private_key", folder)
    if certificate is not None:
        _at(fields, "certificate", lambda: certificates(certificate.encode("ascii", "replace")))
    psk = fields.text("psk")
    fragmentation = fields.flag("fragmentation")
    settings = Ikev2Settings(
        psk=None if psk is None else Secret(psk),
        remote_id=fields.text("remote_id"),
        local_id=fields.text("local_id"),
        certificate=certificate,
        private_key=None if key is None else _key_field(fields, key),
        proposals=fields.texts("proposals"),
        esp_proposals=fields.texts("esp_proposals"),
        eap_only=bool(fields.flag("eap_only")),
        fragmentation=True if fragmentation is None else fragmentation,
    )
    _at(fields, _suspect(settings), lambda: check_settings(settings))
    return settings


def _key_field(fields: Fields, text: str) -> Secret:
    _at(fields, "private_key", lambda: private_key(text))
    return Secret(text)


def _suspect(settings: Ikev2Settings) -> str:
    """Return the field that a contradiction is put down to."""
    for name, read in (("proposals", ike_offer), ("esp_proposals", esp_offer)):
        try:
            read(getattr(settings, name))
        except IkeError:
            return name
    for name in ("remote_id", "local_id"):
        text = getattr(settings, name)
        try:
            if text is not None:
                identity(text)
        except IkeError:
            return name
    return "certificate" if settings.certificate is not None else "private_key"


def _at(fields: Fields, name: str, check: Callable[[], object]) -> None:
    """Run ``check``; what it finds gets the line of the field.

    :raises LineError: with that line.
    """
    try:
        check()
    except LineError as exc:
        raise fields.error(name, exc.sentence, "what stands here can't be read.") from exc


def _pem_field(fields: Fields, name: str, folder: Path) -> str | None:
    """Return the PEM text of a field, which is the text itself or the name of a file."""
    value = fields.text(name)
    if value is None or _MARK in value:
        return value
    try:
        with (folder / value).open("rb") as file:
            text = file.read(LARGEST + 1).decode("ascii", "replace")
    except (OSError, ValueError) as exc:
        raise fields.error(name, "the file that is named here can't be read.") from exc
    if _MARK not in text or len(text) > LARGEST:
        raise fields.error(name, "the file that is named here holds nothing in PEM form.")
    return text
