"""DNS on the wire, below the codec: two-byte lengths on streams, and which answer belongs to which question.

Sans-IO. DNS over TCP (RFC 7766), over TLS (RFC 7858) and over QUIC (RFC 9250) frame alike: two bytes of length, then
the message (RFC 1035 section 4.2.2).
"""

from __future__ import annotations

import struct
from typing import Final, Self

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

# Specification.
LENGTH: Final = struct.Struct("!H")
HEADER_SIZE: Final = 12  #: bytes (RFC 1035 section 4.1.1)
RESPONSE: Final = 0x80  #: QR, in the third byte
#: Response codes with which an answer may come without its question: FORMERR, SERVFAIL, NOTIMP, REFUSED.
WITHOUT_QUESTION: Final = frozenset({1, 2, 4, 5})
_LONGEST_NAME: Final = 255

# Ours.
LONGEST_ANSWER: Final = 16_384  #: bytes; nothing that we ask has a true answer near this


class Arrived(bytes):
    """An answer, and the clock second at which it (or its first byte) arrived."""

    arrived: float

    def __new__(cls, data: bytes, arrived: float) -> Self:
        """Put the stamp on the bytes."""
        stamped = super().__new__(cls, data)
        stamped.arrived = arrived
        return stamped


def frame(message: bytes) -> bytes:
    """Return ``message`` with its length before it: one write, so that it leaves in one segment (RFC 7766)."""
    return LENGTH.pack(len(message)) + message


class Deframer:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return the messages that are complete now.

        :raises PeerError: ``wrong_answer`` for a length that no answer to us has: this is not DNS.
        """
        self._buffer += data
        messages: list[bytes] = []
        while len(self._buffer) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._buffer)
            if not HEADER_SIZE <= length <= LONGEST_ANSWER:
                raise PeerError(failures.WRONG_ANSWER, f"not DNS: a message of {length} bytes is announced")
            if len(self._buffer) < LENGTH.size + length:
                break
            messages.append(bytes(self._buffer[LENGTH.size : LENGTH.size + length]))
            del self._buffer[: LENGTH.size + length]
        return messages

    @property
    def partial(self) -> int:
        """Return how many bytes of an unfinished message are here."""
        return len(self._buffer)


def message_id(message: bytes) -> int:
    """Return the id of a message of at least two bytes."""
    return int(LENGTH.unpack_from(message)[0])


def with_id(message: bytes, identifier: int) -> bytes:
    """Return ``message`` with another id (DoH asks with id 0, RFC 8484 section 4.1)."""
    return LENGTH.pack(identifier) + message[2:]


def belongs(query: bytes, answer: bytes) -> PeerError | None:
    """Return what keeps ``answer`` from being one to ``query``; ``None`` if its head and question fit.

    The codec looks again, and deeper; this is for telling apart what arrives on one socket.
    """
    if not HEADER_SIZE <= len(answer) <= LONGEST_ANSWER or not answer[2] & RESPONSE:
        return PeerError(failures.WRONG_ANSWER, "not an answer of DNS")
    if answer[:2] != query[:2]:
        return PeerError(failures.DNS_WRONG_QUERY_ID)
    if answer[4:6] == b"\0\0" and answer[3] & 0x0F in WITHOUT_QUESTION:
        return None
    question = _question(query)
    if answer[4:6] != b"\0\1" or answer[12 : 12 + len(question)].lower() != question.lower():
        return PeerError(failures.WRONG_ANSWER, "an answer to another question")
    return None


def _question(query: bytes) -> bytes:
    """Return the question section of a query of ours: an uncompressed name, type and class."""
    end = HEADER_SIZE
    while end < len(query) and query[end] and end < HEADER_SIZE + _LONGEST_NAME:
        end += 1 + query[end]
    return query[HEADER_SIZE : end + 5]
