"""The handshake: Noise_IKpsk2 with X25519, ChaCha20-Poly1305 and BLAKE2s (WireGuard paper, sections 5.4.1 to 5.4.5).

We are the initiator; the other half is here as well, for tests. Every line of the paper has its line here, in the same
order: ``C`` is the chaining key, ``H`` the hash, ``T`` the time stamp.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CONSTRUCTION: Final = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER: Final = b"WireGuard v1 zx2c4 Jason@zx2c4.com"

#: Message types (section 5.4); the three bytes behind are reserved and zero.
INITIATION: Final = 1
RESPONSE: Final = 2
COOKIE_REPLY: Final = 3
DATA: Final = 4
#: Sizes in bytes, both macs included.
INITIATION_SIZE: Final = 148
RESPONSE_SIZE: Final = 92
#: Sizes without the macs, which :mod:`circumvent.vpn.wireguard.cookie` adds.
MACS_SIZE: Final = 32

#: Seconds between two initiations of a side that waits for an answer (section 6.4).
REKEY_TIMEOUT: Final = 5.0

KEY_SIZE: Final = 32
_TAG_SIZE: Final = 16
_TAI64N_SIZE: Final = 12
_NO_PSK: Final = bytes(KEY_SIZE)
#: TAI64 labels begin here, and TAI was ten seconds ahead of UTC in 1970 (as WireGuard takes it, without leap seconds).
_TAI64_BASE: Final = (1 << 62) + 10
#: The nanoseconds are cut to so many, so that the stamp is no fine clock (whitened as in the reference implementation).
_WHITEN: Final = 0x1000000


class HandshakeError(ValueError):
    """A message is not the one that the handshake expects: another key, or changed on the way."""


def tai64n(wall: float) -> bytes:
    """Return the time stamp of ``wall`` (seconds since 1970): 12 bytes that grow with time.

    >>> tai64n(0.0).hex()
    '400000000000000a00000000'
    """
    seconds, rest = divmod(wall, 1)
    nanoseconds = int(rest * 1_000_000_000) & ~(_WHITEN - 1)
    return struct.pack("!QI", _TAI64_BASE + int(seconds), nanoseconds)


def blake2s(*parts: bytes) -> bytes:
    """Return HASH of the paper over the ``parts``."""
    return hashlib.blake2s(b"".join(parts)).digest()


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "blake2s")


def kdf(key: bytes, data: bytes, count: int) -> tuple[bytes, ...]:
    """Return the first ``count`` outputs of KDF of the paper: HKDF (RFC 5869) with HMAC-BLAKE2s."""
    secret = _hmac(key, data)
    outputs = [_hmac(secret, b"\x01")]
    for number in range(2, count + 1):
        outputs.append(_hmac(secret, outputs[-1] + bytes([number])))
    return tuple(outputs)


def public_key(private: bytes) -> bytes:
    """Return the public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _dh(private: bytes, public: bytes) -> bytes:
    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(
            X25519PublicKey.from_public_bytes(public)
        )
    except ValueError as exc:
        raise HandshakeError("a public key that is none") from exc


def _aead(key: bytes, plain: bytes, additional: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(bytes(12), plain, additional)


def _open(key: bytes, sealed: bytes, additional: bytes) -> bytes:
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, additional)
    except InvalidTag as exc:
        raise HandshakeError("another key") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who we are and whom we talk to: our private key, the peer's public key, the preshared key."""

    private: bytes = field(repr=False)
    peer: bytes
    preshared: bytes = field(default=_NO_PSK, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What a handshake yields: keys of both directions, and the indices that stand for them."""

    send: bytes = field(repr=False)
    receive: bytes = field(repr=False)
    local_index: int
    remote_index: int


@dataclass(slots=True)
class _Symmetric:
    """``C`` and ``H``, and how they take things in."""

    chaining: bytes = field(default_factory=lambda: blake2s(CONSTRUCTION), repr=False)
    hash: bytes = b""

    @classmethod
    def with_responder(cls, static: bytes, prologue: bytes = IDENTIFIER) -> _Symmetric:
        """Begin as both sides do: with the identifier (the prologue of Noise) and the responder's public key."""
        state = cls()
        # H := HASH(C || IDENTIFIER); H := HASH(H || S_r^pub)
        state.hash = blake2s(blake2s(state.chaining, prologue), static)
        return state

    def mix_hash(self, data: bytes) -> None:
        self.hash = blake2s(self.hash, data)

    def mix_key(self, data: bytes) -> None:
        (self.chaining,) = kdf(self.chaining, data, 1)

    def mix_to_key(self, data: bytes) -> bytes:
        self.chaining, key = kdf(self.chaining, data, 2)
        return key

    def mix_psk(self, psk: bytes) -> bytes:
        # (C, tau, kappa) := KDF3(C, Q); H := HASH(H || tau)
        self.chaining, tau, key = kdf(self.chaining, psk, 3)
        self.mix_hash(tau)
        return key

    def seal(self, key: bytes, plain: bytes) -> bytes:
        sealed = _aead(key, plain, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, key: bytes, sealed: bytes) -> bytes:
        plain = _open(key, sealed, self.hash)
        self.mix_hash(sealed)
        return plain


class Initiator:
    """One handshake of ours. ``message`` is what to send, without its macs."""

    def __init__(
        self,
        identity: Identity,
        *,
        index: int,
        stamp: bytes,
        ephemeral: bytes,
        kind: int = INITIATION,
        prologue: bytes = IDENTIFIER,
    ) -> None:
        """Make the first message (section 5.4.2).

        ``index`` (32 bits) stands for us, ``stamp`` is :func:`tai64n`, ``ephemeral`` a fresh private key. ``kind``
        is another number in AmneziaWG, ``prologue`` another text in vectors for Noise.
        """
        self._identity = identity
        self._ephemeral = ephemeral
        self.index = index
        state = _Symmetric.with_responder(identity.peer, prologue)
        # msg.ephemeral := E_i^pub; C := KDF1(C, E_i^pub); H := HASH(H || msg.ephemeral)
        public = public_key(ephemeral)
        state.mix_key(public)
        state.mix_hash(public)
        # (C, kappa) := KDF2(C, DH(E_i^priv, S_r^pub)); msg.static := AEAD(kappa, 0, S_i^pub, H)
        static = state.seal(state.mix_to_key(_dh(ephemeral, identity.peer)), public_key(identity.private))
        # (C, kappa) := KDF2(C, DH(S_i^priv, S_r^pub)); msg.timestamp := AEAD(kappa, 0, TIMESTAMP(), H)
        sealed = state.seal(state.mix_to_key(_dh(identity.private, identity.peer)), stamp)
        self._state = state
        self.message = struct.pack("<II", kind, index) + public + static + sealed

    def __repr__(self) -> str:
        return f"Initiator(index={self.index:#x})"

    def finish(self, message: bytes) -> Keys:
        """Take the response (section 5.4.3), macs included, and return the keys (section 5.4.5).

        The handshake can be finished once; a message that fails changes nothing, so that a forged one does no harm.

        :raises HandshakeError: when it is not the answer of this peer to this handshake.
        """
        if len(message) != RESPONSE_SIZE:
            raise HandshakeError("no response")
        kind, sender, receiver = struct.unpack_from("<III", message)
        if kind != RESPONSE or receiver != self.index:
            raise HandshakeError("no response to this handshake")
        _, send, receive = self.take(message[12:-MACS_SIZE])
        return Keys(send=send, receive=receive, local_index=self.index, remote_index=sender)

    def take(self, message: bytes) -> tuple[bytes, bytes, bytes]:
        """Take the second message of Noise; return its payload (empty here) and the keys to send and receive with.

        :raises HandshakeError: when it does not authenticate.
        """
        ephemeral, empty = message[:KEY_SIZE], message[KEY_SIZE:]
        identity = self._identity
        state = _Symmetric(self._state.chaining, self._state.hash)
        # C := KDF1(C, msg.ephemeral); H := HASH(H || msg.ephemeral)
        state.mix_key(ephemeral)
        state.mix_hash(ephemeral)
        # C := KDF1(C, DH(E_i^priv, E_r^pub)); C := KDF1(C, DH(S_i^priv, E_r^pub))
        state.mix_key(_dh(self._ephemeral, ephemeral))
        state.mix_key(_dh(identity.private, ephemeral))
        # msg.empty := AEAD(kappa, 0, e, H)
        payload = state.open(state.mix_psk(identity.preshared), empty)
        # (T_i^send, T_i^recv) := KDF2(C, e)
        send, receive = kdf(state.chaining, b"", 2)
        return payload, send, receive


class Responder:
    """The other half, for tests: it takes an initiation and makes the response."""

    def __init__(self, private: bytes, message: bytes) -> None:
        """Read the first message.

        :raises HandshakeError: when it is not for this key.
        """
        if len(message) != INITIATION_SIZE:
            raise HandshakeError("no initiation")
        self.kind, self.remote_index = struct.unpack_from("<II", message)
        ephemeral, static, sealed = message[8:40], message[40:88], message[88:116]
        state = _Symmetric.with_responder(public_key(private))
        state.mix_key(ephemeral)
        state.mix_hash(ephemeral)
        self.peer = state.open(state.mix_to_key(_dh(private, ephemeral)), static)
        self.stamp = state.open(state.mix_to_key(_dh(private, self.peer)), sealed)
        self._state = state
        self._remote_ephemeral = ephemeral

    def respond(self, *, index: int, ephemeral: bytes, preshared: bytes = _NO_PSK) -> tuple[bytes, Keys]:
        """Return the response without its macs, and the keys."""
        state = self._state
        public = public_key(ephemeral)
        state.mix_key(public)
        state.mix_hash(public)
        state.mix_key(_dh(ephemeral, self._remote_ephemeral))
        state.mix_key(_dh(ephemeral, self.peer))
        empty = state.seal(state.mix_psk(preshared), b"")
        receive, send = kdf(state.chaining, b"", 2)
        message = struct.pack("<III", RESPONSE, index, self.remote_index) + public + empty
        return message, Keys(send=send, receive=receive, local_index=index, remote_index=self.remote_index)
