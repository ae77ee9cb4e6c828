"""Key files: 2048 bits in hexadecimal (``tls-auth``, ``tls-crypt``), and a client's key of ``tls-crypt-v2``.

A static key is two pairs of a cipher key and an HMAC key, 64 octets each (OpenVPN ``crypto.h``, ``struct key2``).
Which pair is for which direction depends on the mode and on ``key-direction``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

#: Octets of a static key, of one of its four parts, and of the tag before a wrapped client key.
KEY: Final = 256
PART: Final = 64
_TAG: Final = 32
#: A wrapped client key is at most this long (doc/tls-crypt-v2.txt, section 3).
_LONGEST_WRAPPED: Final = 1024
_LONGEST_TEXT: Final = 16 * 1024

_STATIC: Final = re.compile(
    r"-----BEGIN OpenVPN Static key V1-----(.*?)-----END OpenVPN Static key V1-----", re.DOTALL
)
_CLIENT: Final = re.compile(
    r"-----BEGIN OpenVPN tls-crypt-v2 client key-----(.*?)-----END OpenVPN tls-crypt-v2 client key-----",
    re.DOTALL,
)


class KeyTextError(ValueError):
    """This text holds no such key. The message repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Direction:
    """The pair of keys for one direction; each is as long as the longest that needs it."""

    cipher: bytes = field(repr=False)
    hmac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """Keys of what we send and of what we receive."""

    send: Direction
    receive: Direction


def parse_static(text: str) -> bytes:
    """Return the 256 octets of a static key file.

    :raises KeyTextError: when there is none in the text.
    """
    match = _STATIC.search(text[:_LONGEST_TEXT])
    if match is None:
        raise KeyTextError("there is no static key in it")
    digits = "".join(line for line in match[1].split() if not line.startswith(("#", ";")))
    try:
        key = bytes.fromhex(digits)
    except ValueError:
        raise KeyTextError("a static key has hexadecimal digits only") from None
    if len(key) != KEY:
        raise KeyTextError("a static key has 2048 bits")
    return key


def parse_client_key(text: str) -> tuple[bytes, bytes]:
    """Return a client's key of tls-crypt-v2: its 256 octets, and the same as only the server can open it.

    :raises KeyTextError: when there is none in the text.
    """
    match = _CLIENT.search(text[:_LONGEST_TEXT])
    if match is None:
        raise KeyTextError("there is no tls-crypt-v2 client key in it")
    try:
        data = base64.b64decode("".join(match[1].split()), validate=True)
    except (binascii.Error, ValueError):
        raise KeyTextError("a tls-crypt-v2 client key is written in base64") from None
    key, wrapped = data[:KEY], data[KEY:]
    length = int.from_bytes(wrapped[-2:], "big")
    if len(key) != KEY or not _TAG + KEY + 2 <= len(wrapped) <= _LONGEST_WRAPPED or length != len(wrapped):
        raise KeyTextError("the tls-crypt-v2 client key is cut short")
    return key, wrapped


def halves(key: bytes) -> tuple[Direction, Direction]:
    """Return both pairs of a static key, in their order."""
    if len(key) != KEY:
        raise ValueError("a static key has 2048 bits")
    return (
        Direction(key[:PART], key[PART : 2 * PART]),
        Direction(key[2 * PART : 3 * PART], key[3 * PART :]),
    )


def directed(key: bytes, direction: int | None) -> Pair:
    """Return who uses which keys (manual, ``--tls-auth``): without a direction, both sides use the first pair.

    Direction 1 is the client's usual one: it sends with the second pair. So does a client of tls-crypt.
    """
    first, second = halves(key)
    if direction is None:
        return Pair(first, first)
    return Pair(second, first) if direction == 1 else Pair(first, second)
