"""The first message of IKEv1 Main Mode (RFC 2408, RFC 2409), as a client of L2TP over IPsec sends it, and its answer.

No further: what follows would need the group's key, and Main Mode proves nobody before its end.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

PORT: Final = 500
HEADER_BYTES: Final = 28
_HEADER: Final = struct.Struct("!8s8sBBBBII")
_VERSION: Final = 0x10
#: RFC 2408, section 3.1.
_SA: Final = 1
_NOTIFICATION: Final = 11
_VENDOR: Final = 13
_MAIN_MODE: Final = 2
_INFORMATIONAL: Final = 5
#: RFC 2408, section 3.14.1: types below this are errors.
NO_PROPOSAL_CHOSEN: Final = 14
_FIRST_STATUS: Final = 16384

#: Vendor id of NAT traversal (RFC 3947, section 3.1), which every client of today sends.
_NAT_TRAVERSAL: Final = bytes.fromhex("4a131c81070358455c5728f20e95452f")
#: RFC 2409, appendix A: encryption, hash, group, key length in bits. What Windows, Apple and Android offer, strongest
#: first; the last is what old routers know.
_TRANSFORMS: Final = (
    (7, 4, 14, 256),
    (7, 2, 14, 256),
    (7, 2, 14, 128),
    (7, 4, 19, 256),
    (7, 2, 20, 256),
    (7, 2, 2, 256),
    (7, 2, 2, 128),
    (5, 2, 14, None),
    (5, 2, 2, None),
)
#: Authentication by a shared key, and a lifetime of eight hours in seconds.
_SHARED_KEY: Final = 1
_LIFETIME: Final = 28800


class Ikev1Error(ValueError):
    """What came is no answer of IKEv1 to our message."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: the server took a proposal (``accepted``), or sent the error notification ``error``."""

    accepted: bool
    error: int | None = None


def first_message(cookie: bytes) -> bytes:
    """Write the message; ``cookie`` has eight random bytes."""
    transforms = b"".join(_transform(number) for number in range(1, len(_TRANSFORMS) + 1))
    proposal = struct.pack("!BBHBBBB", 0, 0, 8 + len(transforms), 1, 1, 0, len(_TRANSFORMS)) + transforms
    # Domain of interpretation 1 (IPsec), situation 1 (identity only): RFC 2407, section 4.2.
    association = struct.pack("!II", 1, 1) + proposal
    chain = struct.pack("!BBH", _VENDOR, 0, 4 + len(association)) + association
    chain += struct.pack("!BBH", 0, 0, 4 + len(_NAT_TRAVERSAL)) + _NAT_TRAVERSAL
    head = _HEADER.pack(cookie, bytes(8), _SA, _VERSION, _MAIN_MODE, 0, 0, HEADER_BYTES + len(chain))
    return head + chain


def _transform(number: int) -> bytes:
    encryption, digest, group, bits = _TRANSFORMS[number - 1]
    pairs = [(1, encryption), (2, digest), (4, group), (3, _SHARED_KEY), (11, 1), (12, _LIFETIME)]
    pairs += [] if bits is None else [(14, bits)]
    attributes = b"".join(struct.pack("!HH", 0x8000 | kind, value) for kind, value in pairs)
    more = 0 if number == len(_TRANSFORMS) else 3
    return struct.pack("!BBHBBH", more, 0, 8 + len(attributes), number, 1, 0) + attributes


def parse_answer(data: bytes, cookie: bytes) -> Answer:
    """Read an answer to the message with ``cookie``.

    :raises Ikev1Error: when it is none.
    """
    if len(data) < HEADER_BYTES:
        raise Ikev1Error("too short for ISAKMP")
    ours, theirs, following, version, exchange, flags, _, length = _HEADER.unpack_from(data)
    if ours != cookie or version >> 4 != 1 or flags & 1 or length != len(data):
        raise Ikev1Error("no answer to our message")
    body = _first_body(data)
    if exchange == _MAIN_MODE and following == _SA and any(theirs):
        return Answer(accepted=True)
    if exchange == _INFORMATIONAL and following == _NOTIFICATION and len(body) >= 8:
        number = int.from_bytes(body[6:8], "big")
        if number < _FIRST_STATUS:
            return Answer(accepted=False, error=number)
    raise Ikev1Error("neither a choice nor an error")


def _first_body(data: bytes) -> bytes:
    if len(data) < HEADER_BYTES + 4:
        raise Ikev1Error("the first payload is cut short")
    size = int.from_bytes(data[HEADER_BYTES + 2 : HEADER_BYTES + 4], "big")
    if not 4 <= size <= len(data) - HEADER_BYTES:
        raise Ikev1Error("the first payload has an impossible length")
    return data[HEADER_BYTES + 4 : HEADER_BYTES + size]
