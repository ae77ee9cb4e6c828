"""What stands in blocks of an OpenVPN profile, or in files beside it: certificates, keys, an account.

A profile comes from somebody else and may name any file of this machine. Only plain names are followed, in the profile's own
folder; whatever is read must look like what it is said to be, else nothing of it is kept.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.inputs.files import Unreadable, read_file
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import Wrapping
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.inputs.ovpn_lines import Directive

#: Bytes of a file that a profile names.
LARGEST: Final = 512 * 1024
_INLINE: Final = "[inline]"
_CERTIFICATE: Final = re.compile(
    r"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----.*?-----END (?:X509 |TRUSTED )?CERTIFICATE-----",
    re.DOTALL,
)
_KEY: Final = re.compile(r"-----BEGIN ([A-Z ]{0,20}PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)
_WRAPS: Final = {
    Wrapping.TLS_AUTH: "OpenVPN Static key V1",
    Wrapping.TLS_CRYPT: "OpenVPN Static key V1",
    Wrapping.TLS_CRYPT_V2: "OpenVPN tls-crypt-v2 client key",
}
_ACCOUNT: Final = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]{1,4096}")


@dataclass(frozen=True, slots=True)
class Beside:
    """The folder of a profile; ``None`` where it came from standard input or a link."""

    folder: Path | None

    def text(self, directive: Directive, *, needed: bool = True) -> str | None:
        """Return the text of a block, or of the file that the directive names; ``None`` if it names none.

        :raises LineError: when the file can't be read; unless it is ``needed``, there is none then.
        """
        data = self.data(directive, decode=False, needed=needed)
        return None if data is None else data.decode("utf-8", "replace").removeprefix("\ufeff")

    def data(self, directive: Directive, *, decode: bool = True, needed: bool = True) -> bytes | None:
        """Return the same as bytes; with ``decode`` a block is base64."""
        if directive.block is not None:
            return _base64(directive) if decode else directive.block.encode()
        name = directive.word()
        if not name or name == _INLINE:
            return None
        try:
            return self._read(name, directive)
        except LineError:
            if needed:
                raise
            return None

    def _read(self, name: str, directive: Directive) -> bytes:
        if self.folder is None:
            said = "this line names a file, and only a profile that is a file itself has files beside it."
            raise LineError(said, where=directive.line)
        if re.search(r"[/\\:\x00]", name) or name.startswith("."):
            said = "this line names a file outside of the profile's folder, which is not read. Put it beside the profile."
            raise LineError(said, where=directive.line)
        try:
            return read_file(str(self.folder / name), LARGEST)
        except Unreadable as exc:
            said = "the file that this line names is not beside the profile, or can't be read."
            raise LineError(said, where=directive.line) from exc


def _base64(directive: Directive) -> bytes:
    try:
        return base64.b64decode("".join((directive.block or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise LineError("this block is not base64.", where=directive.line) from None


def certificates(text: str, directive: Directive) -> str:
    """Return the certificates of a text, and nothing else of it.

    :raises LineError: when there is none.
    """
    found = [_tidy(match[0]) for match in _CERTIFICATE.finditer(text)]
    if not found:
        raise LineError("there is no certificate in PEM form here.", where=directive.line)
    return "\n".join(found)


def private_key(text: str, directive: Directive) -> str:
    """Return the private key of a text, and nothing else of it.

    :raises LineError: when there is none.
    """
    match = _KEY.search(text)
    if match is None:
        raise LineError("there is no private key in PEM form here.", where=directive.line)
    return _tidy(match[0])


def wrap_key(text: str, wrapping: Wrapping, directive: Directive) -> Secret:
    """Return the key of a wrapping, and nothing else of the text.

    :raises LineError: when there is none.
    """
    name = re.escape(_WRAPS[wrapping])
    match = re.search(f"-----BEGIN {name}-----.*?-----END {name}-----", text, re.DOTALL)
    if match is None:
        raise LineError(f"there is no key for {wrapping} here.", where=directive.line)
    return Secret(_tidy(match[0]))


def _tidy(pem: str) -> str:
    return "\n".join(line.strip() for line in pem.splitlines())


def account(text: str) -> tuple[Secret | None, Secret | None]:
    """Return user name and password: the first two lines."""
    lines = [line.rstrip("\r") for line in text.strip("\r\n").split("\n")[:2]]
    parts = [Secret(line) if _ACCOUNT.fullmatch(line) else None for line in lines]
    return parts[0] if parts else None, parts[1] if len(parts) > 1 else None


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a PKCS #12 file holds, as PEM."""

    key: str = field(repr=False)
    certificate: str = field(repr=False)
    others: str = field(repr=False)


def open_pkcs12(data: bytes, password: Secret | None, directive: Directive) -> Bundle | None:
    """Open a PKCS #12 file; ``None`` when another passphrase is wanted.

    :raises LineError: when it holds no key with its certificate.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - few profiles have one
        Encoding,
        NoEncryption,
        PrivateFormat,
    )
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12  # noqa: PLC0415 - likewise

    found = None
    for word in (None, b"") if password is None else (password.reveal().encode(),):
        try:
            found = load_pkcs12(data, word)
            break
        except ValueError:
            continue
    if found is None:
        return None
    if found.key is None or found.cert is None:
        raise LineError("there is no key with its certificate in this pkcs12 file.", where=directive.line)
    key = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    others = [item.certificate.public_bytes(Encoding.PEM).decode().strip() for item in found.additional_certs]
    certificate = found.cert.certificate.public_bytes(Encoding.PEM).decode().strip()
    return Bundle(key.strip(), certificate, "\n".join(others))
