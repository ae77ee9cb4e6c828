"""XSalsa20-Poly1305 and XChaCha20-Poly1305 as NaCl makes them (``crypto_secretbox``, ``crypto_box``).

``cryptography`` has ChaCha20, Poly1305 and X25519; Salsa20 and the two key derivations (HSalsa20, HChaCha20) are
here. Sources: D. J. Bernstein, *Cryptography in NaCl* and *Extending the Salsa20 nonce*; RFC 8439, section 2.3;
draft-irtf-cfrg-xchacha, section 2.2. The construction is NaCl's own: the first 32 bytes of the key stream are the
one-time key, the tag stands before the ciphertext, no additional data. It is not the AEAD of RFC 8439.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from cryptography.hazmat.primitives.poly1305 import Poly1305

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16
_ONE_TIME_KEY_BYTES: Final = 32
_BLOCK_BYTES: Final = 64
_MASK: Final = 0xFFFFFFFF
_CONSTANTS: Final = struct.unpack("<4I", b"expand 32-byte k")
#: The quarter rounds of a Salsa20 double round: four columns, then four rows.
_QUARTERS: Final = (
    (0, 4, 8, 12), (5, 9, 13, 1), (10, 14, 2, 6), (15, 3, 7, 11),
    (0, 1, 2, 3), (5, 6, 7, 4), (10, 11, 8, 9), (15, 12, 13, 14),
)  # fmt: skip
_DOUBLE_ROUNDS: Final = 10


class BadTagError(ValueError):
    """The box was not made with this key and nonce, or was changed on the way."""


def _salsa20_state(key: bytes, block_input: bytes) -> tuple[int, ...]:
    """Lay out key (32 bytes) and input (16 bytes: nonce and counter) as the sixteen words of Salsa20."""
    k = struct.unpack("<8I", key)
    n = struct.unpack("<4I", block_input)
    c = _CONSTANTS
    return (c[0], *k[:4], c[1], *n, c[2], *k[4:], c[3])


def _salsa20_rounds(state: Sequence[int], mask: int = _MASK) -> list[int]:
    """Permute sixteen words, or as many lanes of them as ``mask`` has (:func:`_lanes`)."""
    x = list(state)
    for _ in range(_DOUBLE_ROUNDS):
        for a, b, c, d in _QUARTERS:
            t = (x[a] + x[d]) & mask
            x[b] ^= (t << 7 | t >> 25) & mask
            t = (x[b] + x[a]) & mask
            x[c] ^= (t << 9 | t >> 23) & mask
            t = (x[c] + x[b]) & mask
            x[d] ^= (t << 13 | t >> 19) & mask
            t = (x[d] + x[c]) & mask
            x[a] ^= (t << 18 | t >> 14) & mask
    return x


def hsalsa20(key: bytes, block_input: bytes) -> bytes:
    """Derive 32 bytes from a key (32 bytes) and an input (16 bytes)."""
    x = _salsa20_rounds(_salsa20_state(key, block_input))
    return struct.pack("<8I", x[0], x[5], x[10], x[15], *x[6:10])


def hchacha20(key: bytes, block_input: bytes) -> bytes:
    """Derive 32 bytes from a key (32 bytes) and an input (16 bytes).

    A ChaCha20 block is the permuted state plus the state; HChaCha20 wants the outer words of the permuted state,
    and those of the state are known, so they are taken off again.
    """
    block = Cipher(ChaCha20(key, block_input), mode=None).encryptor().update(bytes(_BLOCK_BYTES))
    words = struct.unpack("<16I", block)
    state = (*_CONSTANTS, *struct.unpack("<4I", block_input))
    outer = (*words[:4], *words[12:])
    return struct.pack("<8I", *((w - s) & _MASK for w, s in zip(outer, state, strict=True)))


def xsalsa20_stream(key: bytes, nonce: bytes, length: int) -> bytes:
    """Return ``length`` bytes of the XSalsa20 key stream (nonce: 24 bytes)."""
    return _salsa20_stream(hsalsa20(key, nonce[:16]), nonce[16:], length)


def xsalsa20_with_prefix(key: bytes, prefix: bytes) -> Callable[[bytes, bytes, int], bytes]:
    """Return the key stream of ``key`` for nonces that begin with ``prefix`` (16 bytes): HSalsa20 is done once."""
    subkey = hsalsa20(key, prefix)
    return lambda _key, nonce, length: _salsa20_stream(subkey, nonce[16:], length)


def _salsa20_stream(subkey: bytes, nonce: bytes, length: int) -> bytes:
    count = -(-length // _BLOCK_BYTES)
    every = _lanes([1] * count)
    state = [word * every for word in _salsa20_state(subkey, nonce + bytes(8))]
    state[8], state[9] = _lanes(range(count)), 0  # the block counter; no message here has 2^32 blocks
    mask = _MASK * every
    permuted = _salsa20_rounds(state, mask)
    words = [((p + w) & mask).to_bytes(8 * count, "little") for p, w in zip(permuted, state, strict=True)]
    blocks = (word[lane : lane + 4] for lane in range(0, 8 * count, 8) for word in words)
    return b"".join(blocks)[:length]


def _lanes(values: Iterable[int]) -> int:
    """Lay words of 32 bits side by side into one integer, 64 bits each: what adds and rotates one of them does all.

    For a block of its own each operation of the interpreter costs as much as for forty of them.
    """
    return sum(value << 64 * lane for lane, value in enumerate(values))


def xchacha20_stream(key: bytes, nonce: bytes, length: int) -> bytes:
    """Return ``length`` bytes of the XChaCha20 key stream with a 64-bit counter (nonce: 24 bytes)."""
    algorithm = ChaCha20(hchacha20(key, nonce[:16]), bytes(8) + nonce[16:])
    return Cipher(algorithm, mode=None).encryptor().update(bytes(length))


def seal(stream: Callable[[bytes, bytes, int], bytes], key: bytes, nonce: bytes, message: bytes) -> bytes:
    """Encrypt and authenticate: tag (16 bytes), then ciphertext. ``stream`` is one of the two above."""
    keys = stream(key, nonce, _ONE_TIME_KEY_BYTES + len(message))
    ciphertext = _xor(message, keys[_ONE_TIME_KEY_BYTES:])
    return Poly1305.generate_tag(keys[:_ONE_TIME_KEY_BYTES], ciphertext) + ciphertext


def unseal(stream: Callable[[bytes, bytes, int], bytes], key: bytes, nonce: bytes, box: bytes) -> bytes:
    """Check and decrypt what :func:`seal` made.

    :raises BadTagError: when it was not made with this key and nonce.
    """
    tag, ciphertext = box[:TAG_BYTES], box[TAG_BYTES:]
    keys = stream(key, nonce, _ONE_TIME_KEY_BYTES + len(ciphertext))
    try:
        Poly1305.verify_tag(keys[:_ONE_TIME_KEY_BYTES], ciphertext, tag)
    except InvalidSignature as exc:
        raise BadTagError("the authentication tag is wrong") from exc
    return _xor(ciphertext, keys[_ONE_TIME_KEY_BYTES:])


def shared_key(
    derive: Callable[[bytes, bytes], bytes], private_key: X25519PrivateKey, public_key: bytes
) -> bytes:
    """Return the key of a ``crypto_box`` between two X25519 keys; ``derive`` is HSalsa20 or HChaCha20.

    :raises ValueError: when ``public_key`` is not a usable key (wrong length, low order).
    """
    secret = private_key.exchange(X25519PublicKey.from_public_bytes(public_key))
    return derive(secret, bytes(16))


def _xor(left: bytes, right: bytes) -> bytes:
    number = int.from_bytes(left, "little") ^ int.from_bytes(right, "little")
    return number.to_bytes(len(left), "little")
