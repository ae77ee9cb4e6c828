"""Directory documents over a circuit: the request, its answer, and a relay's own descriptor with its two signatures.

Sources: dir-spec, "Server descriptor format", "Router descriptors" (a bridge serves its own as
``/tor/server/authority``); HTTP/1.0 (RFC 1945). Documents are at most some kilobytes, and none is trusted before both
signatures hold.
"""

from __future__ import annotations

import base64
import binascii
import calendar
import hashlib
import re
import time
import zlib
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from circumvent.tor import ed25519_cert
from circumvent.tor.certs import Identity, fingerprint_of
from circumvent.tor.errors import TorError, WrongIdentityError

# Specification.
OWN_DESCRIPTOR: Final = "/tor/server/authority"
_END_OF_RSA: Final = b"\nrouter-signature\n"
_END_OF_ED25519: Final = b"\nrouter-sig-ed25519 "
_ED25519_PREFIX: Final = b"Tor router descriptor signature v1"

# Ours.
LONGEST_HEAD: Final = 8 * 1024
LONGEST_DOCUMENT: Final = 128 * 1024
_STATUS: Final = re.compile(rb"HTTP/1\.[01] (\d{3})(?: [^\r\n]{0,200})?")
_PEM: Final = rb"\n-----BEGIN %s-----\n([A-Za-z0-9+/=\n]{1,4000})-----END %s-----\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of a directory server."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What a verified descriptor says: who signed it, and when it was published (seconds since 1970)."""

    identity: Identity
    published: int


def request(path: str, host: str) -> bytes:
    """Return a request as tor's own clients write it. ``host`` is the address of the relay."""
    return f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode("ascii")


def read_answer(data: bytes) -> Answer:
    """Read a whole answer, up to the end of its stream.

    :raises TorError: when it is no HTTP, is cut short, or unpacks to more than a directory document has.
    """
    head, gap, body = data.partition(b"\r\n\r\n")
    first, _, rest = head.partition(b"\r\n")
    status = _STATUS.fullmatch(first)
    if status is None or not gap or len(head) > LONGEST_HEAD:
        raise TorError("the directory's answer is no HTTP")
    fields = {
        name.strip().lower(): value.strip()
        for name, _, value in (line.partition(b":") for line in rest.split(b"\r\n"))
    }
    length = fields.get(b"content-length", b"%d" % len(body))
    if not length.isdigit() or len(length) > 9 or int(length) != len(body):
        raise TorError("the directory's answer is cut short")
    return Answer(int(status[1]), _unpacked(body, fields.get(b"content-encoding", b"identity")))


def _unpacked(body: bytes, encoding: bytes) -> bytes:
    if encoding == b"deflate":
        try:
            unpacker = zlib.decompressobj()
            body = unpacker.decompress(body, LONGEST_DOCUMENT + 1)
        except zlib.error as exc:
            raise TorError("the directory's answer can't be unpacked") from exc
    elif encoding not in (b"identity", b""):
        raise TorError("the directory's answer is packed in a way that was not asked for")
    if len(body) > LONGEST_DOCUMENT:
        raise TorError("the directory's answer is too long")
    return body


def verify_descriptor(document: bytes, identity: Identity, now: float) -> Descriptor:
    """Verify a descriptor's signatures, and that both are those of ``identity``; ``now`` is in seconds since 1970.

    :raises TorError: when one is wrong or missing, or something in it is broken.
    :raises WrongIdentityError: when another relay signed it.
    :raises NotValidNowError: when its signing key has expired.
    """
    text = document if document.startswith(b"router ") else document[document.find(b"\nrouter ") + 1 :]
    if not text.startswith(b"router "):
        raise TorError("there is no descriptor in the answer")
    _verify_rsa(text, identity.fingerprint)
    _verify_ed25519(text, identity.ed25519, now)
    return Descriptor(identity=identity, published=_published(text))


def _verify_rsa(text: bytes, fingerprint: bytes) -> None:
    """Verify ``router-signature``: RSA over the SHA-1 of everything up to and with that line."""
    key = _rsa_key(_object(text, b"\nsigning-key", b"RSA PUBLIC KEY"))
    end = text.find(_END_OF_RSA)
    if end < 0:
        raise TorError("a descriptor without a signature")
    signed = text[: end + len(_END_OF_RSA)]
    signature = _object(text[end:], b"\nrouter-signature", b"SIGNATURE")
    if ed25519_cert.recover(key, signature) != hashlib.sha1(signed, usedforsecurity=False).digest():
        raise TorError("a descriptor that somebody changed")
    if fingerprint_of(key) != fingerprint:
        raise WrongIdentityError("a descriptor of another relay")


def _rsa_key(data: bytes) -> RSAPublicKey:
    """Read a PKCS #1 public key."""
    try:
        key = load_der_public_key(data)
    except ValueError as exc:
        raise TorError("a descriptor with a broken key") from exc
    if not isinstance(key, RSAPublicKey):
        raise TorError("a descriptor with a broken key")
    return key


def _verify_ed25519(text: bytes, identity: bytes, now: float) -> None:
    """Verify ``router-sig-ed25519`` by the signing key that ``identity-ed25519`` vouches for."""
    certificate = ed25519_cert.parse(_object(text, b"\nidentity-ed25519", b"ED25519 CERT"))
    if (certificate.kind, certificate.key_type) != (4, ed25519_cert.KEY_ED25519):
        raise TorError("a descriptor whose certificate is of another type")
    if certificate.signed_with != identity:
        raise WrongIdentityError("a descriptor of another relay")
    begin = text.find(_END_OF_ED25519)
    end = begin + len(_END_OF_ED25519)
    line, newline, _ = text[end : end + 200].partition(b"\n")
    if begin < 0 or not newline:
        raise TorError("a descriptor without a signature")
    digest = hashlib.sha256(_ED25519_PREFIX + text[:end]).digest()
    ed25519_cert.verify_ed25519(certificate.key, _base64(line), digest)
    certificate.verify(identity, now)


def _object(text: bytes, keyword: bytes, name: bytes) -> bytes:
    """Return the bytes of the armoured object that follows a keyword line."""
    found = re.search(keyword + _PEM % (name, name), text)
    if found is None:
        raise TorError("a descriptor that lacks something")
    return _base64(found[1])


def _base64(text: bytes) -> bytes:
    packed = text.replace(b"\n", b"").rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError) as exc:
        raise TorError("a descriptor with a broken object") from exc


def _published(text: bytes) -> int:
    found = re.search(rb"\npublished (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\n", text)
    if found is None:
        raise TorError("a descriptor without a date")
    try:
        return calendar.timegm(time.strptime(found[1].decode("ascii"), "%Y-%m-%d %H:%M:%S"))
    except ValueError as exc:
        raise TorError("a descriptor without a date") from exc
