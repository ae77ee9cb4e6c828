"""Proofs that a name does not exist: NSEC, NSEC3 and compact denial.

The records are taken as verified; what is decided here is whether they deny the name. Sources: RFC 4035 section
5.4 and RFC 6840 section 4 (NSEC), RFC 5155 section 8.4 and RFC 9276 (NSEC3), RFC 9824 (compact denial).
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dns.dnssec
import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dns.rdata import Rdata

# Specification.
OPT_OUT: Final = 0x01  #: NSEC3 flag (RFC 5155 section 3.1.2.1)
SHA1: Final = 1  #: the only NSEC3 hash there is (RFC 5155 section 11)
NXNAME: Final = 128  #: the type in the bitmap that means "this name does not exist" (RFC 9824 section 3.1)
WILDCARD: Final = dns.name.Name([b"*"])

# Ours.
MOST_ITERATIONS: Final = 100  #: more are treated as no proof (RFC 9276 section 3.2)
MOST_RECORDS: Final = 16  #: denial records of one answer that are looked at


class NotDenied(Exception):
    """The records do not deny the name."""


class OptOut(NotDenied):
    """The records leave open whether there is an unsigned delegation (RFC 5155 section 6)."""


@dataclass(frozen=True, slots=True)
class Record:
    """An NSEC or NSEC3 record and its owner's name."""

    owner: dns.name.Name
    rdata: Rdata


def prove_name_error(
    qname: dns.name.Name, zone: dns.name.Name, records: Sequence[Record], *, nxdomain: bool = True
) -> None:
    """Check that ``records`` of ``zone`` deny that ``qname`` exists.

    ``nxdomain`` false means that the answer said NOERROR: only compact denial may then be meant.

    :raises NotDenied: when they do not.
    :raises OptOut: when they leave an unsigned delegation open.
    """
    if not qname.is_subdomain(zone) or qname == zone:
        raise NotDenied("the name is not below the zone")
    nsecs = [(record.owner, record.rdata) for record in records if isinstance(record.rdata, NSEC)][
        :MOST_RECORDS
    ]
    if any(_compact(owner, nsec, qname) for owner, nsec in nsecs):
        return
    if not nxdomain:
        raise NotDenied("NOERROR without a compact denial says that the name exists")
    if nsecs:
        _prove_by_nsec(qname, zone, nsecs)
        return
    nsec3s = [(record.owner, record.rdata) for record in records if isinstance(record.rdata, NSEC3)]
    if not nsec3s:
        raise NotDenied("no NSEC and no NSEC3")
    _prove_by_nsec3(qname, zone, nsec3s[:MOST_RECORDS])


def types_of(rdata: NSEC | NSEC3) -> frozenset[int]:
    """Return the types in the bitmap (RFC 4034 section 4.1.2)."""
    return frozenset(
        window * 256 + index * 8 + bit
        for window, bitmap in rdata.windows
        for index, octet in enumerate(bitmap)
        for bit in range(8)
        if octet & (0x80 >> bit)
    )


# NSEC


def _compact(owner: dns.name.Name, nsec: NSEC, qname: dns.name.Name) -> bool:
    """Tell whether this is a compact denial of ``qname``: its own NSEC, with NXNAME in the bitmap.

    Without NXNAME the bitmap {RRSIG, NSEC} marks an empty non-terminal: the name exists (RFC 9824 section 3.2).
    """
    return owner == qname and types_of(nsec) == {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, NXNAME}


def covers(owner: dns.name.Name, following: dns.name.Name, name: dns.name.Name, zone: dns.name.Name) -> bool:
    """Tell whether ``name`` lies between ``owner`` and ``following`` in canonical order (RFC 4034 section 6.1).

    The last NSEC of a zone points back to its apex and covers everything after its owner.
    """
    if not owner.is_subdomain(zone) or not following.is_subdomain(zone):
        return False
    if owner < following:
        return bool(owner < name < following)
    return bool(following == zone and owner < name)


def _prove_by_nsec(
    qname: dns.name.Name, zone: dns.name.Name, nsecs: Sequence[tuple[dns.name.Name, NSEC]]
) -> None:
    for owner, nsec in nsecs:
        if covers(owner, nsec.next, qname, zone) and not _above(owner, nsec, qname):
            break
    else:
        raise NotDenied("no NSEC covers the name")
    if nsec.next.is_subdomain(qname):
        raise NotDenied("the name is an empty non-terminal: it exists (RFC 4592 section 2.2.2)")
    # The closest encloser is the longest name above qname that the covering NSEC shows to exist.
    encloser = max(_common(qname, owner), _common(qname, nsec.next), key=len)
    wildcard = WILDCARD.concatenate(encloser)
    for owner, nsec in nsecs:
        if covers(owner, nsec.next, wildcard, zone) and not _above(owner, nsec, wildcard):
            return
    raise NotDenied("no NSEC covers the wildcard")


def _above(owner: dns.name.Name, nsec: NSEC | NSEC3, name: dns.name.Name) -> bool:
    """Tell whether ``owner`` is a delegation or DNAME above ``name``: its NSEC then says nothing below it.

    RFC 6840 section 4.1.
    """
    types = types_of(nsec)
    delegation = dns.rdatatype.NS in types and dns.rdatatype.SOA not in types
    return name != owner and name.is_subdomain(owner) and (delegation or dns.rdatatype.DNAME in types)


def _common(name: dns.name.Name, other: dns.name.Name) -> dns.name.Name:
    """Return the longest name that both are below (or equal to)."""
    _relation, _order, labels = name.fullcompare(other)
    return name.split(labels)[1]


# NSEC3


def _prove_by_nsec3(
    qname: dns.name.Name, zone: dns.name.Name, nsec3s: Sequence[tuple[dns.name.Name, NSEC3]]
) -> None:
    chain = _Chain(zone, nsec3s)
    below = qname
    for encloser in _enclosers(qname, zone):
        if (match := chain.matching(encloser)) is not None:
            break
        below = encloser
    else:
        raise NotDenied("no NSEC3 shows the closest encloser")
    if encloser == qname:
        raise NotDenied("an NSEC3 of the name itself says that it exists")
    types = types_of(match)
    if dns.rdatatype.DNAME in types or (dns.rdatatype.NS in types and dns.rdatatype.SOA not in types):
        raise NotDenied("the closest encloser is a delegation")  # RFC 5155 section 8.3
    covering = chain.covering(below)
    if covering is None:
        raise NotDenied("no NSEC3 covers the next closer name")
    if chain.covering(WILDCARD.concatenate(encloser)) is None:
        raise NotDenied("no NSEC3 covers the wildcard")
    if covering.flags & OPT_OUT:
        raise OptOut("opt-out: an unsigned delegation may be there")


def _enclosers(qname: dns.name.Name, zone: dns.name.Name) -> Iterator[dns.name.Name]:
    """Yield ``qname`` and every name above it, up to ``zone``."""
    name = qname
    while True:
        yield name
        if name == zone:
            return
        name = name.parent()


class _Chain:
    """NSEC3 records of one zone that share their parameters, by hash."""

    def __init__(self, zone: dns.name.Name, nsec3s: Sequence[tuple[dns.name.Name, NSEC3]]) -> None:
        self._spans: list[tuple[bytes, NSEC3]] = []
        first = nsec3s[0][1]
        self._salt, self._iterations = first.salt, first.iterations
        if first.iterations > MOST_ITERATIONS:
            raise OptOut("too many NSEC3 iterations to be worth proving")
        for owner, nsec3 in nsec3s:
            # RFC 5155 section 8.1 and 8.2: unknown hashes and flags are ignored, parameters must agree.
            if nsec3.algorithm != SHA1 or nsec3.flags & ~OPT_OUT:
                continue
            if (nsec3.salt, nsec3.iterations) != (self._salt, self._iterations):
                raise NotDenied("NSEC3 records with unlike parameters")
            if len(owner.labels) == len(zone.labels) + 1 and owner.is_subdomain(zone):
                self._spans.append((owner.labels[0].upper(), nsec3))

    def _hash(self, name: dns.name.Name) -> bytes:
        return dns.dnssec.nsec3_hash(name, self._salt, self._iterations, SHA1).encode().upper()

    def matching(self, name: dns.name.Name) -> NSEC3 | None:
        """Return the record of ``name`` itself."""
        wanted = self._hash(name)
        return next((nsec3 for owner, nsec3 in self._spans if owner == wanted), None)

    def covering(self, name: dns.name.Name) -> NSEC3 | None:
        """Return a record whose span holds the hash of ``name``; the last one of a zone wraps around."""
        wanted = self._hash(name)
        for owner, nsec3 in self._spans:
            following = _base32hex(nsec3.next)
            if owner < wanted < following or (owner >= following and (wanted > owner or wanted < following)):
                return nsec3
        return None


def _base32hex(digest: bytes) -> bytes:
    """Write a hash as an owner label has it (RFC 4648 section 7): the order of hashes is the order of labels."""
    return base64.b32hexencode(digest).rstrip(b"=")
