"""Protection of control packets below TLS: none, an HMAC (tls-auth), or encryption (tls-crypt, tls-crypt-v2).

A packet is a *head* (first octet and session id), which is always in clear, and a *body*. What a wrapping adds stands
between them. A server with tls-auth or tls-crypt does not answer to whoever has not its key.
"""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from circumvent.vpn.openvpn.packet import SESSION_ID, Opcode, read_first_octet
from circumvent.vpn.openvpn.replay import LongReplayWindow
from circumvent.vpn.openvpn.static_key import directed

if TYPE_CHECKING:
    from circumvent.vpn.openvpn.static_key import Direction, Pair

_HEAD: Final = 1 + SESSION_ID
#: The long form of a packet id: a number and the second in which its sender began to count.
_LONG_ID: Final = struct.Struct("!II")
#: Octets of the tag, of the cipher key and of the HMAC key of tls-crypt.
_TAG: Final = 32
_KEY: Final = 32
#: The first number of a client of tls-crypt-v2: it says that it understands early negotiation (doc/tls-crypt-v2.txt).
EARLY_NEGOTIATION: Final = 0x0F000000

#: Names of digests as OpenVPN writes them, to those of hashlib.
DIGESTS: Final = {
    "SHA1": "sha1",
    "SHA-1": "sha1",
    "RSA-SHA1": "sha1",
    "SHA224": "sha224",
    "RSA-SHA224": "sha224",
    "SHA256": "sha256",
    "SHA2-256": "sha256",
    "RSA-SHA256": "sha256",
    "SHA384": "sha384",
    "RSA-SHA384": "sha384",
    "SHA512": "sha512",
    "SHA2-512": "sha512",
    "RSA-SHA512": "sha512",
    "MD5": "md5",
    "RSA-MD5": "md5",
}


class WrapError(ValueError):
    """The packet does not authenticate, or was seen before."""


class Wrapping(Protocol):
    """How control packets are protected."""

    #: Octets that it adds to a packet.
    overhead: int

    def wrap(self, head: bytes, body: bytes) -> bytes:
        """Return a packet as it goes over the line."""

    def unwrap(self, data: bytes) -> tuple[bytes, bytes]:
        """Return head and body of a packet that authenticates and is new.

        :raises WrapError: when it does not or is not.
        """


class Plain:
    """No protection: the server answers to everybody."""

    overhead = 0

    def wrap(self, head: bytes, body: bytes) -> bytes:
        """Put both together."""
        return head + body

    def unwrap(self, data: bytes) -> tuple[bytes, bytes]:
        """Take both apart."""
        return data[:_HEAD], data[_HEAD:]


class _Counted:
    """Numbers what is sent, and remembers what came."""

    def __init__(self, second: int, first: int) -> None:
        self._second = second
        self._number = first
        self._seen = LongReplayWindow()

    def next_id(self) -> bytes:
        self._number += 1
        return _LONG_ID.pack(self._number, self._second)

    def require_fresh(self, number: int, second: int) -> None:
        if not self._seen.fresh(number, second):
            raise WrapError("seen before")

    def note(self, number: int, second: int) -> None:
        self._seen.note(number, second)


class TlsAuth(_Counted):
    """An HMAC over every control packet: ``head, tag, id, body``; the tag covers ``id, head, body``."""

    def __init__(self, key: bytes, *, direction: int | None, digest: str, second: int) -> None:
        """Use a static ``key``; ``second`` is the time of day in whole seconds."""
        super().__init__(second, 0)
        self._digest = DIGESTS[digest]
        self._length = hmac.new(b"", digestmod=self._digest).digest_size
        self._pair = directed(key, direction)
        self.overhead = self._length + _LONG_ID.size

    def wrap(self, head: bytes, body: bytes) -> bytes:
        """Add id and tag."""
        number = self.next_id()
        return head + self._tag(self._pair.send, number + head + body) + number + body

    def unwrap(self, data: bytes) -> tuple[bytes, bytes]:
        """Check the tag and the id."""
        head, tag = data[:_HEAD], data[_HEAD : _HEAD + self._length]
        rest = data[_HEAD + self._length :]
        if len(rest) < _LONG_ID.size:
            raise WrapError("too short")
        number, body = rest[: _LONG_ID.size], rest[_LONG_ID.size :]
        if not hmac.compare_digest(tag, self._tag(self._pair.receive, number + head + body)):
            raise WrapError("the tag is wrong")
        self.require_fresh(*_LONG_ID.unpack(number))
        self.note(*_LONG_ID.unpack(number))
        return head, body

    def _tag(self, keys: Direction, data: bytes) -> bytes:
        return hmac.digest(keys.hmac[: self._length], data, self._digest)


class TlsCrypt(_Counted):
    """Encrypted and authenticated control packets: ``head, id, tag, ciphertext`` (OpenVPN ``tls_crypt.h``).

    The tag is HMAC-SHA-256 over ``head, id, body``; its first half is the counter block of AES-256-CTR.
    """

    overhead = _LONG_ID.size + _TAG

    def __init__(self, key: bytes, *, second: int, first: int = 0) -> None:
        """Use a static ``key``; a client sends with its second pair."""
        super().__init__(second, first)
        self._pair: Pair = directed(key, 1)

    def wrap(self, head: bytes, body: bytes) -> bytes:
        """Encrypt the body."""
        clear = head + self.next_id()
        keys = self._pair.send
        tag = hmac.digest(keys.hmac[:_KEY], clear + body, "sha256")
        return clear + tag + _counter_mode(keys.cipher[:_KEY], tag, body)

    def unwrap(self, data: bytes) -> tuple[bytes, bytes]:
        """Decrypt, and check tag and id."""
        place = _HEAD + _LONG_ID.size
        clear, tag, secret = data[:place], data[place : place + _TAG], data[place + _TAG :]
        if len(tag) < _TAG:
            raise WrapError("too short")
        keys = self._pair.receive
        body = _counter_mode(keys.cipher[:_KEY], tag, secret)
        if not hmac.compare_digest(tag, hmac.digest(keys.hmac[:_KEY], clear + body, "sha256")):
            raise WrapError("the tag is wrong")
        number = _LONG_ID.unpack(clear[_HEAD:])
        self.require_fresh(*number)
        self.note(*number)
        return clear[:_HEAD], body


class TlsCryptV2(TlsCrypt):
    """tls-crypt with a key of this client's own, which it brings along as only the server can open it."""

    def __init__(self, key: bytes, wrapped: bytes, *, second: int) -> None:
        """Use a client's ``key``, and ``wrapped``, the same under the server's key."""
        super().__init__(key, second=second, first=EARLY_NEGOTIATION)
        self._wrapped = wrapped

    def wrap(self, head: bytes, body: bytes) -> bytes:
        """Encrypt the body; the kinds of packet that carry the client's key get it at their end, in clear."""
        data = super().wrap(head, body)
        opcode, _ = read_first_octet(head[0])
        return data + self._wrapped if opcode in (Opcode.RESET_CLIENT_V3, Opcode.CONTROL_WKC) else data

    @property
    def wrapped_key_size(self) -> int:
        """Return how many octets the wrapped key adds to such packets."""
        return len(self._wrapped)


def _counter_mode(key: bytes, tag: bytes, data: bytes) -> bytes:
    """Run AES-256-CTR from the counter block that is the first half of ``tag``."""
    return Cipher(algorithms.AES(key), modes.CTR(tag[:16])).encryptor().update(data)
