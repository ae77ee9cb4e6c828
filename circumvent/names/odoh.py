"""Oblivious DoH: configurations, queries and responses (RFC 9230). No input, no output."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.net import hpke
from circumvent.net.hpke import Aead, HpkeError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

MEDIA_TYPE: Final = "application/oblivious-dns-message"
#: Where a target publishes its configurations (RFC 9230, section 5).
CONFIGURATIONS_PATH: Final = "/.well-known/odohconfigs"
_VERSION: Final = 0x0001
_QUERY: Final = 1
_RESPONSE: Final = 2
#: Queries are padded to a multiple of this (RFC 8467 recommends it for queries).
PADDING_BLOCK: Final = 128
_MOST_CONFIGURATIONS: Final = 64


class OdohError(ValueError):
    """What came is no configuration, or no response to our query."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A target's public key and the cipher that goes with it. ``contents`` are the bytes its key id is made of."""

    aead: Aead
    public_key: bytes
    contents: bytes

    @property
    def key_id(self) -> bytes:
        """Return what names the key in a query (RFC 9230, section 6.2)."""
        return hpke.expand(hpke.extract(b"", self.contents), b"odoh key id", hpke.HASH_BYTES)


def parse_configurations(data: bytes) -> Configuration:
    """Return the first configuration of a list that can be used (ObliviousDoHConfigs, RFC 9230, section 6.1).

    :raises OdohError: when it is no such list, or none in it can be used.
    """
    rest = _Reader(_whole(data))
    for _ in range(_MOST_CONFIGURATIONS):
        if rest.done:
            break
        version, contents = rest.number(), rest.prefixed()
        if version != _VERSION:
            continue
        fields = _Reader(contents)
        kem, kdf, aead, public_key = fields.number(), fields.number(), fields.number(), fields.prefixed()
        known = (kem, kdf) == (hpke.KEM_X25519, hpke.KDF_SHA256) and aead in set(Aead)
        if known and fields.done and len(public_key) == hpke.KEY_BYTES:
            return Configuration(Aead(aead), public_key, contents)
    raise OdohError("the target offers no encryption that is known")


@dataclass(frozen=True, slots=True)
class Exchange:
    """What opens the response to one query."""

    aead: Aead
    secret: bytes = field(repr=False)
    plaintext: bytes = field(repr=False)


def seal_query(
    configuration: Configuration, message: bytes, ephemeral: X25519PrivateKey | None = None
) -> tuple[bytes, Exchange]:
    """Encrypt a DNS message to the target; return what to send and what opens the response.

    :raises OdohError: when the configuration's key is unusable.
    """
    plaintext = _prefixed(message) + _prefixed(bytes(-(len(message) + 4) % PADDING_BLOCK))
    try:
        encapsulated, context = hpke.setup_sender(
            configuration.public_key, b"odoh query", configuration.aead, ephemeral
        )
    except HpkeError as exc:
        raise OdohError(str(exc)) from exc
    header = bytes([_QUERY]) + _prefixed(configuration.key_id)
    box = encapsulated + context.seal(plaintext, header)
    secret = context.export(b"odoh response", configuration.aead.key_bytes)
    return header + _prefixed(box), Exchange(configuration.aead, secret, plaintext)


def open_response(exchange: Exchange, data: bytes) -> bytes:
    """Decrypt the response to a query and return the DNS message in it (RFC 9230, section 6.4).

    :raises OdohError: when it is not the response to this query, made by the holder of the key.
    """
    reader = _Reader(data)
    kind, nonce, box = reader.take(1), reader.prefixed(), reader.prefixed()
    if kind != bytes([_RESPONSE]) or not reader.done:
        raise OdohError("no ObliviousDoHMessage with a response")
    key, base_nonce = response_keys(exchange, nonce)
    try:
        plaintext = _Reader(exchange.aead.open(key, base_nonce, box, kind + _prefixed(nonce)))
    except HpkeError as exc:
        raise OdohError("the response was not made for our query") from exc
    message, padding = plaintext.prefixed(), plaintext.prefixed()
    if not message or not plaintext.done or padding.strip(b"\0"):
        raise OdohError("the response is malformed inside its encryption")
    return message


def response_keys(exchange: Exchange, nonce: bytes) -> tuple[bytes, bytes]:
    """Return key and nonce of a response (DeriveSecrets, RFC 9230, section 6.4)."""
    key = hpke.extract(exchange.plaintext + _prefixed(nonce), exchange.secret)
    return (
        hpke.expand(key, b"odoh key", exchange.aead.key_bytes),
        hpke.expand(key, b"odoh nonce", hpke.NONCE_BYTES),
    )


class _Reader:
    """Takes fields from the front of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    @property
    def done(self) -> bool:
        return not self._rest

    def take(self, count: int) -> bytes:
        if len(self._rest) < count:
            raise OdohError("the structure ends too early")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def number(self) -> int:
        return int.from_bytes(self.take(2), "big")

    def prefixed(self) -> bytes:
        return self.take(self.number())


def _whole(data: bytes) -> bytes:
    reader = _Reader(data)
    contents = reader.prefixed()
    if not reader.done:
        raise OdohError("the structure goes on after its end")
    return contents


def _prefixed(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data
