"""What a censor reads in a DNS query, and what it answers. RFC 1035. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

_HEADER: Final = 12
_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_AUTHORITATIVE: Final = 0x0400
_RECURSION_DESIRED: Final = 0x0100
_RECURSION_AVAILABLE: Final = 0x0080
_LONGEST_NAME: Final = 255
_POINTER_TO_QUESTION: Final = b"\xc0\x0c"
_IN: Final = 1
#: Record types by name (IANA).
TYPES: Final = {"A": 1, "NS": 2, "CNAME": 5, "TXT": 16, "AAAA": 28, "SVCB": 64, "HTTPS": 65, "ANY": 255}


class ResponseCode(enum.Enum):
    """RCODE, RFC 1035 section 4.1.1."""

    NOERROR = "noerror"
    SERVFAIL = "servfail"
    NXDOMAIN = "nxdomain"
    REFUSED = "refused"


_CODES: Final = {
    ResponseCode.NOERROR: 0,
    ResponseCode.SERVFAIL: 2,
    ResponseCode.NXDOMAIN: 3,
    ResponseCode.REFUSED: 5,
}


@dataclass(frozen=True, slots=True)
class Question:
    """The one question of a query. ``name`` is in lower case and ends without a dot; ``raw`` are its bytes."""

    identifier: int
    flags: int
    name: str
    kind: int
    raw: bytes


def read_question(message: bytes) -> Question | None:
    """Read a query; ``None`` for a response, or for anything that is no well-formed query of one question."""
    if len(message) < _HEADER:
        return None
    flags = int.from_bytes(message[2:4])
    if flags & (_RESPONSE | _OPCODE) or int.from_bytes(message[4:6]) != 1:
        return None
    labels = []
    position = _HEADER
    while True:
        if position >= len(message) or position - _HEADER > _LONGEST_NAME:
            return None
        length = message[position]
        if length > 63:
            return None
        position += 1
        if not length:
            break
        label = message[position : position + length]
        if len(label) < length:
            return None
        labels.append(label.decode("latin-1").lower())
        position += length
    if position + 4 > len(message):
        return None
    kind = int.from_bytes(message[position : position + 2])
    return Question(
        int.from_bytes(message[:2]), flags, ".".join(labels), kind, message[_HEADER : position + 4]
    )


def forge_answer(
    question: Question,
    *,
    addresses: tuple[str, ...] = (),
    code: ResponseCode = ResponseCode.NOERROR,
    lifetime: int = 300,
    authoritative: bool = False,
) -> bytes:
    """Answer a question with those of ``addresses`` that are of the family it asks for."""
    wanted = {1: 4, 28: 6}.get(question.kind)
    chosen = [address for each in addresses if (address := ip_address(each)).version == wanted]
    flags = _RESPONSE | (question.flags & _RECURSION_DESIRED) | _RECURSION_AVAILABLE | _CODES[code]
    flags |= _AUTHORITATIVE if authoritative else 0
    header = b"".join(number.to_bytes(2) for number in (question.identifier, flags, 1, len(chosen), 0, 0))
    records = b"".join(
        _POINTER_TO_QUESTION
        + question.kind.to_bytes(2)
        + _IN.to_bytes(2)
        + lifetime.to_bytes(4)
        + len(address.packed).to_bytes(2)
        + address.packed
        for address in chosen
    )
    return header + question.raw + records
