"""Noise_NK_25519_ChaChaPoly_BLAKE2s as dnstt's client uses it (The Noise Protocol Framework, revision 34).

The client knows the server's key beforehand and shows none of its own. Messages stand behind their length (2 bytes,
big-endian), those of the handshake too; the prologue names the protocol.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from circumvent.tor.errors import TorError, WrongIdentityError

# Specification.
NAME: Final = b"Noise_NK_25519_ChaChaPoly_BLAKE2s"
PROLOGUE: Final = b"dnstt 2020-04-13"
KEY_BYTES: Final = 32
TAG_BYTES: Final = 16
#: Bytes of data in one message of dnstt's.
LONGEST: Final = 4096
_LENGTH: Final = struct.Struct("!H")


class Cipher:
    """One direction: a key and a counter."""

    def __init__(self, key: bytes) -> None:
        """Count from 0."""
        self._cipher = ChaCha20Poly1305(key)
        self._count = 0

    def seal(self, data: bytes, associated: bytes = b"") -> bytes:
        """Encrypt the next message."""
        return self._cipher.encrypt(self._nonce(), data, associated)

    def open(self, data: bytes, associated: bytes = b"") -> bytes:
        """Decrypt the next message.

        :raises TorError: when it is not the peer's.
        """
        try:
            return self._cipher.decrypt(self._nonce(), data, associated)
        except InvalidTag as exc:
            raise TorError("a Noise message that its key does not open") from exc

    def _nonce(self) -> bytes:
        nonce = struct.pack("<IQ", 0, self._count)
        self._count += 1
        return nonce


class Noise:
    """The client's side of one connection, from the first byte on."""

    def __init__(self, server_key: bytes, secret: bytes) -> None:
        """Begin with the server's public key and 32 bytes of chance; :meth:`hello` goes first."""
        self._server = X25519PublicKey.from_public_bytes(server_key)
        self._own = X25519PrivateKey.from_private_bytes(secret)
        self._hash = hashlib.blake2s(NAME).digest()
        self._chain = self._hash
        self._mix(PROLOGUE)
        self._mix(server_key)
        self._in = bytearray()
        self._ciphers: tuple[Cipher, Cipher] | None = None

    @property
    def open(self) -> bool:
        """Tell whether the server has proved that it holds its key."""
        return self._ciphers is not None

    def hello(self) -> bytes:
        """Return the first message: ``-> e, es``."""
        public = self._own.public_key().public_bytes_raw()
        self._mix(public)
        cipher = self._mix_key(self._server)
        sealed = cipher.seal(b"", self._hash)
        self._mix(sealed)
        return _framed(public + sealed)

    def seal(self, data: bytes) -> bytes:
        """Return ``data`` as messages; the handshake must be over."""
        ours, _ = self._both()
        return b"".join(_framed(ours.seal(data[at : at + LONGEST])) for at in range(0, len(data), LONGEST))

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the server's and return what they say, now that it is complete.

        :raises WrongIdentityError: when the first message is not by the holder of the server's key.
        :raises TorError: for a later message that is not the server's.
        """
        self._in += data
        said = bytearray()
        while len(self._in) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._in)
            if len(self._in) < _LENGTH.size + length:
                break
            message = bytes(self._in[_LENGTH.size : _LENGTH.size + length])
            del self._in[: _LENGTH.size + length]
            if self._ciphers is None:
                self._answered(message)
            else:
                said += self._ciphers[1].open(message)
        return bytes(said)

    def _answered(self, message: bytes) -> None:
        """Read ``<- e, ee``."""
        if len(message) != KEY_BYTES + TAG_BYTES:
            raise TorError("not the answer of a Noise handshake")
        public, sealed = message[:KEY_BYTES], message[KEY_BYTES:]
        self._mix(public)
        cipher = self._mix_key(X25519PublicKey.from_public_bytes(public))
        try:
            cipher.open(sealed, self._hash)
        except TorError as exc:
            raise WrongIdentityError("the answer is not by the holder of the key") from exc
        ours, theirs = _derive(self._chain, b"")
        self._ciphers = Cipher(ours), Cipher(theirs)

    def _both(self) -> tuple[Cipher, Cipher]:
        if self._ciphers is None:
            raise RuntimeError("the handshake is not over")
        return self._ciphers

    def _mix(self, data: bytes) -> None:
        self._hash = hashlib.blake2s(self._hash + data).digest()

    def _mix_key(self, public: X25519PublicKey) -> Cipher:
        try:
            shared = self._own.exchange(public)
        except ValueError as exc:
            raise TorError("a public key of small order") from exc
        self._chain, key = _derive(self._chain, shared)
        return Cipher(key)


def _derive(chain: bytes, shared: bytes) -> tuple[bytes, bytes]:
    """HKDF with two outputs (section 4.3)."""
    temporary = _hmac(chain, shared)
    first = _hmac(temporary, b"\x01")
    return first, _hmac(temporary, first + b"\x02")


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.blake2s).digest()


def _framed(message: bytes) -> bytes:
    return _LENGTH.pack(len(message)) + message
