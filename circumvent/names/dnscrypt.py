"""DNSCrypt version 2: certificates, queries and responses (draft-denis-dprive-dnscrypt). No input, no output.

A provider's long-term Ed25519 key signs certificates with a resolver's short-term X25519 key; queries and responses
are NaCl boxes between that key and one of ours. Anonymized DNSCrypt puts the server's address before a query and
sends both to a relay.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.model import failure as failures
from circumvent.net import salsa
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    import random as random_module
    from collections.abc import Callable, Iterable

CERTIFICATE_MAGIC: Final = b"DNSC"
RESOLVER_MAGIC: Final = bytes.fromhex("7236666e76576a38")
#: Stands before the server's address in what is sent to a relay.
ANONYMIZED_MAGIC: Final = b"\xff" * 8 + bytes(2)
#: Queries over UDP are never shorter than this, padding included; the length is a multiple of BLOCK_BYTES.
SHORTEST_UDP_QUERY: Final = 256
LONGEST_UDP_QUERY: Final = 1152
BLOCK_BYTES: Final = 64
CLIENT_MAGIC_BYTES: Final = 8
NONCE_BYTES: Final = salsa.NONCE_BYTES
HALF_NONCE_BYTES: Final = NONCE_BYTES // 2
#: A certificate without extensions: magic, two versions, signature, then what is signed.
CERTIFICATE_BYTES: Final = 124
_SIGNED_AT: Final = 72
_SIGNED: Final = struct.Struct("!32s8sIII")
_MOST_CERTIFICATES: Final = 32


class Construction(IntEnum):
    """How boxes are made (es-version)."""

    XSALSA20 = 1
    XCHACHA20 = 2

    @property
    def stream(self) -> Callable[[bytes, bytes, int], bytes]:
        """Return the key stream of the boxes."""
        return salsa.xsalsa20_stream if self is Construction.XSALSA20 else salsa.xchacha20_stream

    @property
    def derive(self) -> Callable[[bytes, bytes], bytes]:
        """Return what makes the shared key out of the X25519 secret."""
        return salsa.hsalsa20 if self is Construction.XSALSA20 else salsa.hchacha20


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate whose signature was checked. Times are seconds since 1970, both inclusive."""

    construction: int
    public_key: bytes
    client_magic: bytes
    serial: int
    since: int
    until: int

    def holds(self, now: float) -> bool:
        """Tell whether ``now`` (seconds since 1970) lies in its time."""
        return self.since <= now <= self.until

    @property
    def usable(self) -> bool:
        """Tell whether we can speak what it wants. A magic of seven NULs could be taken for QUIC."""
        return self.construction in set(Construction) and not self.client_magic.startswith(bytes(7))


def choose_certificate(records: Iterable[bytes], provider_key: bytes, now: float) -> Certificate:
    """Return the certificate to use: signed, in its time, of a known construction, with the highest serial.

    ``records`` are the TXT records of the provider name, strings joined; ``now`` is seconds since 1970.

    :raises PeerError: ``wrong_answer`` when none is a certificate, ``wrong_key`` when the provider signed none of
        them, ``ssl_expired`` or ``ssl_not_yet_valid`` when none is in its time, ``proxy_protocol_error`` when none
        has a construction that we know.
    """
    candidates = [record for record in records if _looks_right(record)][:_MOST_CERTIFICATES]
    if not candidates:
        raise PeerError(failures.WRONG_ANSWER, "the answer holds no DNSCrypt certificate")
    signed = [certificate for record in candidates if (certificate := _verified(record, provider_key))]
    if not signed:
        raise PeerError(failures.WRONG_KEY, "no certificate is signed with the provider's key")
    usable = [certificate for certificate in signed if certificate.usable]
    if not usable:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "no certificate has an encryption that is known")
    valid = [certificate for certificate in usable if certificate.holds(now)]
    if valid:
        return max(valid, key=lambda certificate: (certificate.serial, certificate.construction))
    if any(certificate.since > now for certificate in usable):
        raise PeerError(failures.SSL_NOT_YET_VALID, "the certificate is not valid yet, or our clock is slow")
    raise PeerError(failures.SSL_EXPIRED, "the certificate has expired, or our clock is fast")


def _looks_right(record: bytes) -> bool:
    return len(record) >= CERTIFICATE_BYTES and record.startswith(CERTIFICATE_MAGIC)


def _verified(record: bytes, provider_key: bytes) -> Certificate | None:
    signature, signed = record[8:_SIGNED_AT], record[_SIGNED_AT:]
    try:
        Ed25519PublicKey.from_public_bytes(provider_key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return None
    public_key, magic, serial, since, until = _SIGNED.unpack_from(signed)
    return Certificate(
        construction=int.from_bytes(record[4:6], "big"),
        public_key=public_key,
        client_magic=magic,
        serial=serial,
        since=since,
        until=until,
    )


@dataclass(slots=True)
class Cipher:
    """Makes queries and opens responses for one certificate, with a key pair of its own."""

    certificate: Certificate
    random: random_module.Random
    shortest: int = SHORTEST_UDP_QUERY
    _construction: Construction = field(init=False)
    _public_key: bytes = field(init=False, repr=False)
    _shared_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Make the key pair.

        :raises PeerError: when the certificate's key is no usable key.
        """
        self._construction = Construction(self.certificate.construction)
        private_key = X25519PrivateKey.generate()
        self._public_key = private_key.public_key().public_bytes_raw()
        try:
            self._shared_key = salsa.shared_key(
                self._construction.derive, private_key, self.certificate.public_key
            )
        except ValueError as exc:
            raise PeerError(failures.WRONG_ANSWER, "the key in the certificate is unusable") from exc

    def seal(self, query: bytes, *, stream: bool) -> tuple[bytes, bytes]:
        """Return an encrypted query and the half nonce by which its response is known.

        Over a ``stream`` the padding has a random length, over UDP it fills up to :attr:`shortest`.
        """
        half = self.random.randbytes(HALF_NONCE_BYTES)
        blocks = self.random.randrange(4) if stream else 0
        padded = pad(query, at_least=BLOCK_BYTES if stream else self.shortest) + bytes(blocks * BLOCK_BYTES)
        box = salsa.seal(self._construction.stream, self._shared_key, half + bytes(HALF_NONCE_BYTES), padded)
        return self.certificate.client_magic + self._public_key + half + box, half

    def unseal(self, response: bytes) -> bytes:
        """Open a response and return the DNS message in it.

        :raises PeerError: ``wrong_answer`` when it was not made with our shared key.
        """
        start = len(RESOLVER_MAGIC)
        nonce, box = response[start : start + NONCE_BYTES], response[start + NONCE_BYTES :]
        if not response.startswith(RESOLVER_MAGIC) or len(nonce) != NONCE_BYTES:
            raise PeerError(failures.WRONG_ANSWER, "the answer is no DNSCrypt response")
        try:
            return unpad(salsa.unseal(self._construction.stream, self._shared_key, nonce, box))
        except salsa.BadTagError as exc:
            raise PeerError(
                failures.WRONG_ANSWER, "the answer was not made with the certificate's key"
            ) from exc

    def grow(self) -> None:
        """Make queries over UDP longer, after a response that was cut: it may be as long as its query."""
        self.shortest = min(self.shortest + BLOCK_BYTES, LONGEST_UDP_QUERY)


def half_nonce(response: bytes) -> bytes | None:
    """Return our half of a response's nonce, ``None`` when it is no response."""
    start = len(RESOLVER_MAGIC)
    if not response.startswith(RESOLVER_MAGIC) or len(response) < start + NONCE_BYTES:
        return None
    return response[start : start + HALF_NONCE_BYTES]


def pad(message: bytes, *, at_least: int) -> bytes:
    """Pad as ISO/IEC 7816-4 does, to a multiple of BLOCK_BYTES and to ``at_least``."""
    length = max(at_least, len(message) + 1)
    length += -length % BLOCK_BYTES
    return message + b"\x80" + bytes(length - len(message) - 1)


def unpad(padded: bytes) -> bytes:
    """Undo :func:`pad`.

    :raises PeerError: ``wrong_answer`` when there is no padding.
    """
    message = padded.rstrip(b"\0")
    if not message.endswith(b"\x80"):
        raise PeerError(failures.WRONG_ANSWER, "the response has no padding")
    return message[:-1]


def relayed(packet: bytes, address: str, port: int) -> bytes:
    """Return ``packet`` as a relay wants it, to be passed on to the server at ``address``."""
    server = ipaddress.ip_address(address)
    packed = b"\0" * 10 + b"\xff\xff" + server.packed if server.version == 4 else server.packed
    return ANONYMIZED_MAGIC + packed + port.to_bytes(2, "big") + packet
