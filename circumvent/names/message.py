"""DNS messages: make a question, and read an answer that somebody else wrote.

dnspython is the codec. Everything that arrives is hostile: whatever is wrong with it becomes a
:class:`~circumvent.net.errors.PeerError` here and nowhere else.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from circumvent.model import failure as failures
from circumvent.names.framing import WITHOUT_QUESTION, belongs
from circumvent.net.errors import PeerError
from circumvent.net.protocol_codes import rcode_failure

if TYPE_CHECKING:
    import random as random_module
    from collections.abc import Iterable

    from dns.rrset import RRset

# Specification.
PADDING_BLOCK: Final = 128  #: bytes; queries are padded to a multiple (RFC 8467 section 4.1)

# Ours.
UDP_PAYLOAD: Final = 1232  #: bytes; fits one packet on any path with IPv6's least MTU
MOST_RECORDS: Final = 256  #: records of one answer that are looked at
LONGEST_TEXT: Final = 200  #: characters of one TXT answer that are kept

#: What the codec may raise on garbage. The second half is Python's own, from inside record types.
_GARBAGE: Final = (
    dns.exception.DNSException,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question, as text and as sent. ``name`` ends with a dot."""

    id: int
    name: str
    rdtype: str
    rdclass: str
    wire: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that belongs to its question. ``size`` is its length in bytes."""

    message: dns.message.Message
    size: int

    @property
    def rcode(self) -> str:
        """Return the response code as a word (``NOERROR``, ``NXDOMAIN``, ``RCODE4095``)."""
        return dns.rcode.to_text(self.message.rcode())

    @property
    def truncated(self) -> bool:
        """Tell whether the server cut the answer (TC)."""
        return bool(self.message.flags & dns.flags.TC)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the A and AAAA answers, sorted, whatever alias chain led to them."""
        found = {
            str(rdata.address)
            for rrset in _first(self.message.answer)
            if rrset.rdtype in {dns.rdatatype.A, dns.rdatatype.AAAA}
            for rdata in rrset
        }
        return tuple(sorted(found))

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the TXT answers, printable ASCII only and cut to a bounded length."""
        return tuple(
            printable(b"".join(rdata.strings))
            for rrset in _first(self.message.answer)
            if rrset.rdtype == dns.rdatatype.TXT
            for rdata in rrset
        )

    @property
    def nsid(self) -> str | None:
        """Return the name server identifier (RFC 5001), printable ASCII only, if one came."""
        for option in self.message.options:
            if option.otype == dns.edns.NSID:
                return printable(option.to_wire() or b"")
        return None

    def failure(self) -> PeerError | None:
        """Return what a response code other than NOERROR means as a failure."""
        if self.rcode == "NOERROR":
            return None
        return PeerError(*rcode_failure(self.message.rcode()))


def make_query(
    name: str,
    rdtype: str,
    *,
    random: random_module.Random,
    rdclass: str = "IN",
    checking: bool = True,
    nsid: bool = False,
    padded: bool = False,
    block: int = PADDING_BLOCK,
) -> Query:
    """Make a question with a random id, RD, and EDNS with DO and a payload of 1232 bytes.

    ``checking`` false sets CD: we validate ourselves, the resolver need not. ``padded`` adds padding up to a
    ``block`` (128 bytes, RFC 8467), which makes a resolver pad its answer too: for encrypted channels only.
    """
    options: list[dns.edns.Option] = [dns.edns.GenericOption(dns.edns.NSID, b"")] if nsid else []
    message = dns.message.make_query(
        dns.name.from_text(name),
        rdtype,
        rdclass,
        use_edns=0,
        want_dnssec=True,
        payload=UDP_PAYLOAD,
        options=options,
        pad=block if padded else 0,
        id=random.getrandbits(16),
    )
    if not checking:
        message.flags |= dns.flags.CD
    question = message.question[0]
    return Query(
        id=message.id,
        name=question.name.to_text(),
        rdtype=dns.rdatatype.to_text(question.rdtype),
        rdclass=dns.rdataclass.to_text(question.rdclass),
        wire=message.to_wire(),
    )


def read_answer(query: Query, wire: bytes) -> Answer:
    """Read ``wire`` as the answer to ``query``.

    :raises PeerError: ``dns_reply_with_wrong_query_id``, or ``wrong_answer`` for anything else that keeps it
        from being a well-formed answer to this question.
    """
    if (problem := belongs(query.wire, wire)) is not None:
        raise problem
    try:
        message = dns.message.from_wire(wire)
    except _GARBAGE as exc:
        raise PeerError(failures.WRONG_ANSWER, f"not a DNS message ({type(exc).__name__})") from exc
    if message.opcode() != dns.opcode.QUERY:
        raise PeerError(failures.WRONG_ANSWER, "another operation than a query")
    if not _same_question(query, message):
        raise PeerError(failures.WRONG_ANSWER, "an answer to another question")
    return Answer(message, len(wire))


def printable(data: bytes) -> str:
    """Return a peer's bytes as text that is safe to keep: printable ASCII, bounded."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else "?" for byte in data[:LONGEST_TEXT])


def _same_question(query: Query, message: dns.message.Message) -> bool:
    if not message.question:
        return message.rcode() in WITHOUT_QUESTION
    if len(message.question) != 1:
        return False
    question = message.question[0]
    return (
        question.name == dns.name.from_text(query.name)
        and question.rdtype == dns.rdatatype.from_text(query.rdtype)
        and question.rdclass == dns.rdataclass.from_text(query.rdclass)
    )


def _first(rrsets: list[RRset]) -> Iterable[RRset]:
    """Bound how much of a section is looked at."""
    return rrsets[:MOST_RECORDS]
