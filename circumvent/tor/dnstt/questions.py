"""Packets in DNS messages: dnstt's questions, and the answers to them.

The name of a question: client id (8 bytes), padding (one byte 224 + n, then n bytes of chance), a packet behind its length
(one byte below 224), all in base32 without padding in labels of 63 at most, below the domain. The answer's one TXT record has
packets behind their lengths (2 bytes, big-endian). Type TXT, EDNS with 4096 bytes, and nothing is told by the id.
"""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING, Final

from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    import random

# Specification.
CLIENT_BYTES: Final = 8
PADDING, PADDING_OF_POLLS = 3, 8
_PADDED: Final = 224
_LONGEST_LABEL: Final = 63
_LONGEST_NAME: Final = 255
_HEAD: Final = struct.Struct("!HHHHHH")
_RECORD: Final = struct.Struct("!HHIH")
_RECURSION: Final = 0x0100
_RESPONSE, _TRUNCATED, _RCODE = 0x8000, 0x0200, 0x000F
TXT, A, _IN, _OPT = 16, 1, 1, 41
_OPT_RECORD: Final = b"\0" + _RECORD.pack(_OPT, 4096, 0, 0)
_POINTER: Final = 0xC0
#: Padding of one sort (as many of them as wanted may follow each other), and the letters that are none of base32.
LONGEST_PADDING: Final = 0xFF - _PADDED
_NO_BASE32: Final = "0189"
#: Characters of a name without the last dot.
LONGEST_SHOWN: Final = 253
#: A packet smaller than this holds no KCP worth the trouble (dnstt's own limit).
LEAST_PACKET: Final = 80
#: Bytes of a question beside its packet.
NOT_PACKET: Final = CLIENT_BYTES + 1 + PADDING + 1


class RcodeError(TorError):
    """The answer has another response code than NOERROR: :attr:`rcode`."""

    def __init__(self, rcode: int) -> None:
        """Keep the code."""
        super().__init__(f"response code {rcode}")
        self.rcode = rcode


class Encoder:
    """Makes the questions of one client."""

    def __init__(self, domain: str, chance: random.Random) -> None:
        """Ask below ``domain``.

        :raises ValueError: when it is no name, or leaves no room for packets.
        """
        self._chance = chance
        self._client = chance.randbytes(CLIENT_BYTES)
        self._domain = encode_name(domain)
        #: Bytes of the longest packet of one question.
        self.packet_bytes = capacity(domain) - NOT_PACKET
        if self.packet_bytes < LEAST_PACKET:
            raise ValueError("the domain is too long")

    def question(self, packet: bytes = b"", *, rdtype: int = TXT) -> bytes:
        """Return a DNS message with ``packet`` in it, or a poll without one."""
        count = PADDING if packet else PADDING_OF_POLLS
        said = self._client + bytes([_PADDED + count]) + self._chance.randbytes(count)
        if packet:
            said += bytes([len(packet)]) + packet
        return self._asking(base64.b32encode(said).rstrip(b"=").lower(), rdtype)

    def long_poll(self, characters: int) -> bytes | None:
        """Return a poll whose name has so many characters, or hardly fewer; ``None`` where even a short one has more.

        Its padding is in several pieces: dnstt's client makes one at most, its server reads any number.
        """
        room = min(characters, LONGEST_SHOWN) - len(self._domain) + 1
        text = room - (room // (_LONGEST_LABEL + 1))
        left = text * 5 // 8 - CLIENT_BYTES
        if left < 1:
            return None
        said = self._client
        while left:
            count = min(left - 1, LONGEST_PADDING)
            said += bytes([_PADDED + count]) + self._chance.randbytes(count)
            left -= 1 + count
        return self._asking(base64.b32encode(said).rstrip(b"=").lower(), TXT)

    def stranger(self) -> bytes:
        """Return a question for a text at a name that holds no client's message: the server denies it."""
        letters = "".join(self._chance.choice(_NO_BASE32) for _ in range(2 * CLIENT_BYTES))
        return self._asking(letters.encode("ascii"), TXT)

    def _asking(self, text: bytes, rdtype: int) -> bytes:
        labels = (text[at : at + _LONGEST_LABEL] for at in range(0, len(text), _LONGEST_LABEL))
        name = b"".join(bytes([len(label)]) + label for label in labels) + self._domain
        head = _HEAD.pack(self._chance.randrange(1 << 16), _RECURSION, 1, 0, 0, 1)
        return head + name + struct.pack("!HH", rdtype, _IN) + _OPT_RECORD

    def packets(self, message: bytes) -> list[bytes]:
        """Return the packets of an answer.

        :raises RcodeError: when it says no.
        :raises TorError: when it is no answer of a dnstt server below the domain.
        """
        if len(message) < _HEAD.size:
            raise TorError("not a DNS message")
        _, flags, questions, answers, _, _ = _HEAD.unpack_from(message)
        if not flags & _RESPONSE or questions != 1:
            raise TorError("not an answer")
        name, at = read_name(message, _HEAD.size)
        if not name.lower().endswith(self._domain.lower()):
            raise TorError("an answer to another question")
        if flags & _RCODE:
            raise RcodeError(flags & _RCODE)
        if flags & _TRUNCATED or answers != 1:
            raise TorError("a cut answer" if flags & _TRUNCATED else "not the one record of an answer")
        return _packets(_texts(message, at + 4))


def is_good(message: bytes) -> bool:
    """Tell whether a message is an answer, whole and with NOERROR."""
    if len(message) < _HEAD.size:
        return False
    flags = int.from_bytes(message[2:4])
    return flags & (_RESPONSE | _TRUNCATED | _RCODE) == _RESPONSE


def asked(message: bytes) -> bytes | None:
    """Return what a message asks for or answers, name (in lower case), type and class; ``None`` if it is not DNS."""
    try:
        name, at = read_name(message, _HEAD.size)
    except TorError:
        return None
    return name.lower() + message[at : at + 4] if at + 4 <= len(message) else None


def asked_type(message: bytes) -> int | None:
    """Return the type that a message asks for or answers; ``None`` if it is not DNS."""
    try:
        _, at = read_name(message, _HEAD.size)
    except TorError:
        return None
    return int.from_bytes(message[at : at + 2]) if at + 2 <= len(message) else None


def capacity(domain: str) -> int:
    """Return how many bytes base32 in labels leaves beside ``domain``.

    :raises ValueError: when it is no name.
    """
    room = _LONGEST_NAME - len(encode_name(domain))
    return max(room, 0) * _LONGEST_LABEL // (_LONGEST_LABEL + 1) * 5 // 8


def encode_name(name: str) -> bytes:
    """Return a domain name on the wire.

    :raises ValueError: when it is none.
    """
    labels = name.rstrip(".").encode("ascii").split(b".")
    if not all(1 <= len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError("not a domain name")
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    if len(wire) > _LONGEST_NAME:
        raise ValueError("a domain name has 255 bytes at most")
    return wire


def read_name(message: bytes, at: int) -> tuple[bytes, int]:
    """Return the name at ``at`` without pointers, and where the next thing begins.

    :raises TorError: when it is none.
    """
    name, after, jumps = b"", None, 0
    while True:
        length = message[at] if at < len(message) else 256
        if length >= _POINTER and at + 1 < len(message):
            after = at + 2 if after is None else after
            at, jumps = (length & ~_POINTER) << 8 | message[at + 1], jumps + 1
        elif length <= _LONGEST_LABEL and at + length < len(message):
            name += message[at : at + 1 + length]
            at += 1 + length
        else:
            raise TorError("not a name")
        if jumps > _LONGEST_LABEL or len(name) > _LONGEST_NAME:
            raise TorError("a name without end")
        if not length:
            return name, at if after is None else after


def _texts(message: bytes, at: int) -> bytes:
    """Return the strings of the TXT record at ``at``, put together."""
    _, at = read_name(message, at)
    if at + _RECORD.size > len(message):
        raise TorError("a cut record")
    rdtype, _, _, length = _RECORD.unpack_from(message, at)
    data = message[at + _RECORD.size : at + _RECORD.size + length]
    if rdtype != TXT or len(data) != length:
        raise TorError("not a TXT record")
    said, at = bytearray(), 0
    while at < length:
        said += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    if at != length:
        raise TorError("a cut string")
    return bytes(said)


def _packets(said: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 2 <= len(said):
        (length,) = struct.unpack_from("!H", said, at)
        if at + 2 + length > len(said):
            raise TorError("a cut packet")
        found.append(said[at + 2 : at + 2 + length])
        at += 2 + length
    if at != len(said):
        raise TorError("a cut packet")
    return found
