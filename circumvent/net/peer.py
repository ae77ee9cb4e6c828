"""What a TLS or QUIC peer presented, as bounded facts for the record."""

from __future__ import annotations

import functools
import hashlib
import re
import ssl
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.x509.oid import NameOID

from circumvent.net.errors import PeerError
from circumvent.net.hello import ALERT, HANDSHAKE
from circumvent.net.verify import TrustStore, parse_chain
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from circumvent.model.record import Json

#: The longest text of a certificate that enters a record, in characters.
LONGEST_TEXT: Final = 80
#: The most files of the system's certificate folder that are read.
MOST_FILES: Final = 1000
#: How much is read of each, in bytes.
LARGEST_FILE: Final = 4 * 1024 * 1024
_SERVER_HELLO: Final = 2
_PEM: Final = re.compile("-----BEGIN CERTIFICATE-----[^-]{1,100000}-----END CERTIFICATE-----")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the peer presented: its chain (DER, leaf first) and what was agreed. ``ja4`` is of our own hello."""

    chain: tuple[bytes, ...] = field(default=(), repr=False)
    version: str = ""
    cipher: str = ""
    alpn: str | None = None
    ja4: str | None = None
    answered: bool = False

    def summary(self) -> dict[str, Json]:
        """Return facts for a step: names of leaf and issuers, a hash, dates; short and without control characters."""
        facts: dict[str, Json] = {
            "version": self.version or None,
            "cipher": self.cipher or None,
            "alpn": None if self.alpn is None else sanitise(self.alpn, LONGEST_TEXT),
            "ja4": self.ja4,
        }
        return {key: value for key, value in facts.items() if value is not None} | _certificate_facts(
            self.chain
        )


def first_bytes_kind(first: bytes) -> str | None:
    """Say what the first bytes of an answer look like: ``tls``, ``alert``, ``http``, ``ssh``, ``other``."""
    if not first:
        return None
    if first[0] == HANDSHAKE and first[1:2] in (b"", b"\x03"):
        return "tls"
    if first[0] == ALERT and first[1:2] in (b"", b"\x03"):
        return "alert"
    start = first.lstrip().lower()
    if start.startswith((b"http/", b"<!doctype", b"<html")):
        return "http"
    return "ssh" if start.startswith(b"ssh-") else "other"


def server_hello_version(first: bytes) -> str:
    """Return the version of a ServerHello up to TLS 1.2, from the first bytes of an answer; empty when unknown.

    OpenSSL tells it only after the handshake. In TLS 1.3 the field says 1.2 (RFC 8446 section 4.1.3).
    """
    if len(first) < 11 or first[0] != HANDSHAKE or first[5] != _SERVER_HELLO:
        return ""
    return {1: "TLSv1", 2: "TLSv1.1", 3: "TLSv1.2"}.get(first[10], "") if first[9] == 3 else ""


def _certificate_facts(chain: Sequence[bytes]) -> dict[str, Json]:
    if not chain:
        return {}
    facts: dict[str, Json] = {"chain_length": len(chain), "sha256": hashlib.sha256(chain[0]).hexdigest()}
    try:
        parsed = parse_chain(chain)
    except PeerError:
        return facts
    leaf = parsed[0]
    return facts | {
        "subject": _common_name(leaf.subject),
        "issuer": _common_name(leaf.issuer),
        "top_issuer": _common_name(parsed[-1].issuer),
        "not_before": f"{leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "not_after": f"{leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    }


def _common_name(name: x509.Name) -> str:
    """Return the common name, else the organisation, else an empty text."""
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        values = name.get_attributes_for_oid(oid)
        if values:
            return sanitise(values[0].value, LONGEST_TEXT)
    return ""


def os_trusts(chain: Sequence[bytes]) -> bool | None:
    """Tell whether the operating system's store leads to the chain's root; ``None`` where it can't be read.

    This only explains a failure (somebody installed a root here); it never makes anything trusted.
    """
    certificates = _os_certificates()
    if certificates is None:
        return None
    try:
        names = {item.issuer.public_bytes() for item in parse_chain(chain)}
    except PeerError:
        return False
    roots = []
    for der in certificates:
        if any(name in der for name in names):  # hundreds are not worth parsing for one answer
            with suppress(PeerError):
                roots += parse_chain([der])
    return TrustStore(roots).trusts(chain)


@functools.cache
def _os_certificates() -> tuple[bytes, ...] | None:
    """Return the certificates of the operating system's store as DER."""
    if sys.platform == "darwin":  # the keychain can only be asked to judge, not be listed
        return None
    if sys.platform == "win32":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_default_certs()
        return tuple(context.get_ca_certs(binary_form=True))
    paths = ssl.get_default_verify_paths()
    found = _in_file(Path(paths.cafile)) if paths.cafile else set()
    # OpenSSL reads of a folder the files that are named by a hash.
    folder = Path(paths.capath) if paths.capath else None
    names = sorted(folder.glob("*.[0-9]"))[:MOST_FILES] if folder else []
    return tuple(found.union(*map(_in_file, names)))


def _in_file(path: Path) -> set[bytes]:
    """Return the certificates of a PEM file; what can't be read is passed over."""
    found: set[bytes] = set()
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE).decode("ascii", "replace")
    except OSError:
        return found
    for block in _PEM.findall(text):
        with suppress(ValueError):
            found.add(ssl.PEM_cert_to_DER_cert(block))
    return found
