"""What a resolver says: the truth of the zone with its proofs, or what its character makes of it.

Bytes in, bytes out; no input, no output. The zone is the whole of the DNS: one signed root without delegations
(:mod:`circumvent.lab.world.zone`), so that a resolver needs to ask nobody.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import dns.dnssec
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from circumvent.lab.world.description import Character

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Longest answer over UDP, in bytes, whatever the client says (dnsflagday.net/2020).
MOST_UDP: Final = 1232
MOST_STREAM: Final = 65535
#: How long a false answer may be kept, in seconds.
_LIE_TTL: Final = 60
_MOST_ALIASES: Final = 8
#: Answers that one resolver keeps.
MOST_KNOWN: Final = 2000
_ADDRESSES: Final = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}
_IDENTITY: Final = frozenset({"id.server.", "hostname.bind."})
_PROOFS: Final = frozenset({dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3})


@dataclass(slots=True)
class Found:
    """What the zone holds for a question."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)


class Zone:
    """A root zone in memory: its records, their signatures, its proofs of what is not there."""

    def __init__(self, text: str) -> None:
        """Read a zone in zone-file form.

        :raises dns.exception.DNSException: when the text is none.
        """
        zone = dns.zone.from_text(text, origin=".", relativize=False, check_origin=False)
        self._sets: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self._signatures: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset] = {}
        self._names: set[dns.name.Name] = set()
        for name, rdataset in zone.iterate_rdatasets():
            rrset = dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
            if rdataset.rdtype == dns.rdatatype.RRSIG:
                self._signatures[name, rdataset.covers] = rrset
            else:
                self._sets[name, rdataset.rdtype] = rrset
            if rdataset.rdtype not in _PROOFS:
                self._names.update(name.split(depth)[1] for depth in range(1, len(name.labels) + 1))
        self._nsec = sorted(name for name, rdtype in self._sets if rdtype == dns.rdatatype.NSEC)
        self._nsec3 = sorted(
            (name.labels[0].decode("ascii").upper(), name)
            for name, rdtype in self._sets
            if rdtype == dns.rdatatype.NSEC3
        )
        self.signed = bool(self._signatures)

    def find(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Found:
        """Answer a question, aliases followed, with all proofs."""
        found = Found()
        for _ in range(_MOST_ALIASES):
            if (name, rdtype) in self._sets:
                found.answer += self._with_signature(name, rdtype)
                return found
            if (name, dns.rdatatype.CNAME) not in self._sets:
                break
            found.answer += self._with_signature(name, dns.rdatatype.CNAME)
            name = self._sets[name, dns.rdatatype.CNAME][0].target
        if name not in self._names:
            found.rcode = dns.rcode.NXDOMAIN
        found.authority += self._with_signature(dns.name.root, dns.rdatatype.SOA)
        seen = set()
        for proof in self._denial(name, exists=name in self._names):
            if proof not in seen:
                seen.add(proof)
                found.authority += self._with_signature(*proof)
        return found

    def _with_signature(
        self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Iterator[dns.rrset.RRset]:
        if (name, rdtype) in self._sets:
            yield self._sets[name, rdtype]
        if (name, rdtype) in self._signatures:
            yield self._signatures[name, rdtype]

    def _denial(
        self, name: dns.name.Name, *, exists: bool
    ) -> Iterator[tuple[dns.name.Name, dns.rdatatype.RdataType]]:
        """Return the records that prove that ``name`` has no such type, or is not there at all."""
        closest = name
        next_closer = name
        while closest not in self._names:
            next_closer, closest = closest, closest.parent()
        wildcard = dns.name.Name((b"*", *closest.labels))
        if self._nsec:  # RFC 4035, section 3.1.3
            yield self._nsec_for(name), dns.rdatatype.NSEC
            if not exists:
                yield self._nsec_for(wildcard), dns.rdatatype.NSEC
        elif self._nsec3:  # RFC 5155, section 7.2
            yield self._nsec3_for(closest), dns.rdatatype.NSEC3
            if not exists:
                yield self._nsec3_for(next_closer), dns.rdatatype.NSEC3
                yield self._nsec3_for(wildcard), dns.rdatatype.NSEC3

    def _nsec_for(self, name: dns.name.Name) -> dns.name.Name:
        """Return the owner of the record that matches or covers a name."""
        return self._nsec[bisect.bisect_right(self._nsec, name) - 1]

    def _nsec3_for(self, name: dns.name.Name) -> dns.name.Name:
        digest = dns.dnssec.nsec3_hash(name, None, 0, 1)
        position = bisect.bisect_right(self._nsec3, digest, key=lambda one: one[0])
        return self._nsec3[position - 1][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Responder:
    """One resolver: a zone, a character, a name of its own. ``lies`` are addresses of both families."""

    zone: Zone
    identity: str
    character: Character = Character.HONEST
    listed: frozenset[dns.name.Name] = frozenset()
    lies: Sequence[str] = ()
    # The same question has the same answer but for its id, and a check asks some hundreds of times.
    _known: dict[tuple[bytes, int], bytes | None] = field(default_factory=dict, repr=False, compare=False)

    def respond(self, wire: bytes, *, limit: int = MOST_STREAM) -> bytes | None:
        """Return the answer to a message; ``None`` is silence. Over UDP ``limit`` is :data:`MOST_UDP`."""
        key = (wire[2:], limit)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._make(wire, limit)
        answer = self._known[key]
        return None if answer is None else wire[:2] + answer[2:]

    def _make(self, wire: bytes, limit: int) -> bytes | None:
        try:
            query = dns.message.from_wire(wire, ignore_trailing=True)
        except (dns.exception.DNSException, ValueError):
            return _format_error(wire)
        if query.flags & dns.flags.QR:
            return None
        response = self.message(query)
        return None if response is None else _to_wire(query, response, limit)

    def message(self, query: dns.message.Message) -> dns.message.Message | None:
        """Answer a query; ``None`` is silence."""
        response = dns.message.make_response(query, recursion_available=True, our_payload=MOST_UDP)
        if any(option.otype == dns.edns.OptionType.NSID for option in query.options):  # RFC 5001
            identity = dns.edns.NSIDOption(self.identity.encode("ascii"))
            response.use_edns(0, query.ednsflags & dns.flags.DO, MOST_UDP, options=[identity])
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            response.set_rcode(dns.rcode.NOTIMP if query.opcode() != dns.opcode.QUERY else dns.rcode.FORMERR)
            return response
        question = query.question[0]
        if question.rdclass == dns.rdataclass.CH:
            return self._chaos(response, question)
        if question.rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        false = self._falsehood(question)
        if self.character is Character.SILENT and false is not None:
            return None
        found = false or self.zone.find(question.name, question.rdtype)
        wants_proofs = bool(query.ednsflags & dns.flags.DO)
        response.set_rcode(found.rcode)
        response.answer = [one for one in found.answer if _shown(one, question.rdtype, wants_proofs)]
        response.authority = [one for one in found.authority if _shown(one, question.rdtype, wants_proofs)]
        if false is None and self._validates and (wants_proofs or query.flags & dns.flags.AD):
            response.flags |= dns.flags.AD
        return response

    def addresses(self, name: str) -> list[str]:
        """Return the addresses of a name as this resolver tells them, for whoever resolves by it."""
        found = []
        for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
            try:
                query = dns.message.make_query(name, rdtype)
            except (dns.exception.DNSException, ValueError, UnicodeError):
                return []
            response = self.message(query)
            if response is not None:
                found += [one.address for rrset in response.answer if rrset.rdtype == rdtype for one in rrset]
        return found

    @property
    def _validates(self) -> bool:
        return self.zone.signed and self.character not in (
            Character.FOREIGN,
            Character.EXPIRED,
            Character.FUTURE,
        )

    def _falsehood(self, question: dns.rrset.RRset) -> Found | None:
        """Return what the character says in place of the truth; ``None``: it tells the truth."""
        everything = self.character is Character.REDIRECTING
        if not everything and not any(question.name.is_subdomain(listed) for listed in self.listed):
            return None
        match self.character:
            case Character.NXDOMAIN:
                return Found(dns.rcode.NXDOMAIN)
            case Character.REFUSING:
                return Found(dns.rcode.REFUSED)
            case Character.SILENT:
                return Found()
            case Character.LYING | Character.REDIRECTING if question.rdtype in _ADDRESSES:
                version = _ADDRESSES[question.rdtype]
                lies = [lie for lie in self.lies if (":" in lie) == (version == 6)]
                if not lies:
                    return Found()
                rdtype = dns.rdatatype.to_text(question.rdtype)
                return Found(answer=[dns.rrset.from_text(question.name, _LIE_TTL, "IN", rdtype, *lies)])
            case Character.LYING | Character.REDIRECTING if question.rdtype == dns.rdatatype.HTTPS:
                return Found()
        return None

    def _chaos(self, response: dns.message.Message, question: dns.rrset.RRset) -> dns.message.Message:
        name = question.name.to_text().lower()
        if question.rdtype == dns.rdatatype.TXT and name in _IDENTITY:
            response.answer = [dns.rrset.from_text(question.name, 0, "CH", "TXT", f'"{self.identity}"')]
        else:
            response.set_rcode(dns.rcode.REFUSED)
        return response


def _shown(rrset: dns.rrset.RRset, asked: dns.rdatatype.RdataType, wants_proofs: bool) -> bool:
    return wants_proofs or rrset.rdtype not in _PROOFS or rrset.rdtype == asked


def _to_wire(query: dns.message.Message, response: dns.message.Message, limit: int) -> bytes:
    if limit < MOST_STREAM:
        limit = min(limit, query.payload if query.edns >= 0 else 512)
    try:
        return response.to_wire(max_size=max(limit, 512))
    except dns.exception.TooBig:
        response.answer, response.authority = [], []
        response.flags |= dns.flags.TC
        response.flags &= ~dns.flags.AD
        return response.to_wire()


def _format_error(wire: bytes) -> bytes | None:
    """Answer FORMERR to what has the header of a query and no more sense than that."""
    if len(wire) < 12 or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([0x80 | wire[2] & 0x79, 0x80 | dns.rcode.FORMERR]) + bytes(8)
