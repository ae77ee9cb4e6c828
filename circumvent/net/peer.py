"""What a TLS or QUIC peer presented, as bounded facts for the record."""

from __future__ import annotations

import functools
import hashlib
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.x509.oid import NameOID

from circumvent.net.errors import PeerError
from circumvent.net.hello import ALERT, HANDSHAKE
from circumvent.net.verify import TrustStore, parse_chain, read_pem
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from circumvent.model.record import Json

#: The longest text of a certificate that enters a record, in characters.
LONGEST_TEXT: Final = 80
#: The most files of the system's certificate folder that are read.
MOST_FILES: Final = 1000
_SERVER_HELLO: Final = 2


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
    store = _os_store()
    return None if store is None else store.trusts(chain)


@functools.cache
def _os_store() -> TrustStore | None:
    if sys.platform == "darwin":  # the keychain can only be asked to judge, not be listed
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    roots: list[x509.Certificate] = []
    for der in context.get_ca_certs(binary_form=True):
        try:
            roots += parse_chain([der])
        except PeerError:
            continue
    return TrustStore([*roots, *_os_folder()])


def _os_folder() -> list[x509.Certificate]:
    """Read OpenSSL's folder of certificates, which it does not list itself."""
    folder = ssl.get_default_verify_paths().capath or ""
    if not folder or not Path(folder).is_dir():
        return []
    roots: dict[bytes, x509.Certificate] = {}
    for path in sorted(Path(folder).iterdir())[:MOST_FILES]:
        try:
            for certificate in read_pem(path.read_text("ascii")):
                roots[certificate.tbs_certificate_bytes] = certificate
        except (OSError, ValueError):
            continue
    return list(roots.values())
