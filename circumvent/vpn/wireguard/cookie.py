"""The macs of handshake messages, and cookies (WireGuard paper, sections 5.4.4 and 5.4.7).

``mac1`` shows that the sender knows the receiver's public key; ``mac2`` that he is where he says he is: a peer under load
answers with a cookie in place of a response, and the next message carries a mac made with it.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from circumvent.net.salsa import hchacha20
from circumvent.vpn.wireguard.handshake import COOKIE_REPLY, HandshakeError, blake2s

LABEL_MAC1: Final = b"mac1----"
LABEL_COOKIE: Final = b"cookie--"
COOKIE_REPLY_SIZE: Final = 64
MAC_SIZE: Final = 16
NONCE_SIZE: Final = 24
#: Seconds that a cookie is good for (section 6.6: its secret changes every two minutes; ours is dropped a little before).
COOKIE_LIFETIME: Final = 120.0 - 5.0


def mac(key: bytes, data: bytes) -> bytes:
    """Return MAC of the paper: keyed BLAKE2s with 16 bytes of output."""
    return hashlib.blake2s(data, digest_size=MAC_SIZE, key=key).digest()


class Macs:
    """Adds macs to our messages, and keeps the cookie that the peer gave us."""

    def __init__(self, peer: bytes) -> None:
        """Talk to the peer with this public key."""
        self._mac1_key = blake2s(LABEL_MAC1, peer)
        self._cookie_key = blake2s(LABEL_COOKIE, peer)
        self._last_mac1: bytes | None = None
        self._cookie: bytes | None = None
        self._since = 0.0

    def add(self, message: bytes, now: float) -> bytes:
        """Return ``message`` with both macs; ``mac2`` is zero without a cookie that is still good."""
        mac1 = mac(self._mac1_key, message)
        self._last_mac1 = mac1
        message += mac1
        if self._cookie is None or now - self._since >= COOKIE_LIFETIME:
            return message + bytes(MAC_SIZE)
        return message + mac(self._cookie, message)

    def take(self, reply: bytes, index: int, now: float) -> None:
        """Take a cookie reply to our last message, the one of ``index``. Each message can be answered so once.

        :raises HandshakeError: when it is no reply of this peer to that message.
        """
        if len(reply) != COOKIE_REPLY_SIZE:
            raise HandshakeError("no cookie reply")
        kind, receiver = struct.unpack_from("<II", reply)
        if kind != COOKIE_REPLY or receiver != index or self._last_mac1 is None:
            raise HandshakeError("no cookie reply to our message")
        nonce, sealed = reply[8:32], reply[32:]
        try:
            cookie = _cipher(self._cookie_key, nonce).decrypt(_short(nonce), sealed, self._last_mac1)
        except InvalidTag as exc:
            raise HandshakeError("a cookie of somebody else") from exc
        self._cookie, self._since, self._last_mac1 = cookie, now, None


def make_reply(static: bytes, message: bytes, *, cookie: bytes, nonce: bytes) -> bytes:
    """Return the cookie reply of the peer with the public key ``static`` to a whole ``message``. For tests."""
    mac1 = message[-2 * MAC_SIZE : -MAC_SIZE]
    sealed = _cipher(blake2s(LABEL_COOKIE, static), nonce).encrypt(_short(nonce), cookie, mac1)
    return struct.pack("<I", COOKIE_REPLY) + message[4:8] + nonce + sealed


def verify_macs(static: bytes, message: bytes, cookie: bytes | None = None) -> tuple[bool, bool]:
    """Tell whether ``mac1`` and ``mac2`` of a message to ``static`` are right. For tests."""
    body, mac1, mac2 = message[: -2 * MAC_SIZE], message[-2 * MAC_SIZE : -MAC_SIZE], message[-MAC_SIZE:]
    first = hmac.compare_digest(mac1, mac(blake2s(LABEL_MAC1, static), body))
    second = cookie is not None and hmac.compare_digest(mac2, mac(cookie, body + mac1))
    return first, second


def _cipher(key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    """XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, section 2): a key of its own for each long nonce."""
    return ChaCha20Poly1305(hchacha20(key, nonce[:16]))


def _short(nonce: bytes) -> bytes:
    return bytes(4) + nonce[16:]
