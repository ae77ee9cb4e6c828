"""Signed zones as data, and the answers that an honest server would make of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dns.dnssec
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from circumvent.names.denial import Record
from circumvent.names.message import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

VECTORS = Path(__file__).parent.parent / "vectors"
ROOT = dns.name.root


def records(source: str) -> list[Record]:
    """Return the denial records of a vector file."""
    lines = (VECTORS / f"{source}.txt").read_text("ascii").split("# records\n")[1].splitlines()
    found = []
    for line in filter(None, lines):
        owner, _, _, rdtype, *rest = line.split(" ")
        found.append(
            Record(dns.name.from_text(owner), dns.rdata.from_text("IN", rdtype, " ".join(rest), origin=None))
        )
    return found


class LdnsRoot:
    """A root zone that ldns signed."""

    def __init__(self, denial: str) -> None:
        text = (VECTORS / f"ldns-root-{denial}.zone").read_text("ascii")
        self.anchor = next(line for line in text.splitlines() if line.startswith("; Trust anchor: "))[16:]
        self.zone = dns.zone.from_text(text, origin=ROOT, relativize=False)
        self.denial = dns.rdatatype.from_text(denial.upper())

    def keys(self) -> Answer:
        """Return the answer to ``. DNSKEY``."""
        query = dns.message.make_query(ROOT, "DNSKEY", want_dnssec=True)
        response = dns.message.make_response(query)
        response.answer.extend(self._sets(ROOT, dns.rdatatype.DNSKEY))
        return parsed(response)

    def denies(self, name: str) -> Answer:
        """Return the answer to a question for a top-level name that does not exist."""
        query = dns.message.make_query(dns.name.from_text(name), "A", want_dnssec=True)
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.NXDOMAIN)
        for owner in dict.fromkeys(
            self._before(part) for part in (dns.name.from_text(name), dns.name.from_text("*."), ROOT)
        ):
            response.authority.extend(self._sets(owner, self.denial))
        return parsed(response)

    def _sets(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Iterable[dns.rrset.RRset]:
        yield self.zone.find_rrset(name, rdtype)
        yield self.zone.find_rrset(name, dns.rdatatype.RRSIG, rdtype)

    def _before(self, name: dns.name.Name) -> dns.name.Name:
        """Return the owner of the record that covers or matches ``name``."""
        owners = sorted(owner for owner in self.zone.nodes if self.zone.get_rdataset(owner, self.denial))
        if self.denial == dns.rdatatype.NSEC3:
            parameters = self.zone.find_rdataset(owners[0], self.denial)[0]
            hashed = dns.dnssec.nsec3_hash(name, parameters.salt, parameters.iterations, 1).lower()
            wanted = dns.name.from_text(hashed)
        else:
            wanted = name
        return max((owner for owner in owners if owner <= wanted), default=owners[-1])


def parsed(message: dns.message.Message) -> Answer:
    """Return a message as it looks after a journey over the wire."""
    wire = message.to_wire(max_size=65535)
    return Answer(dns.message.from_wire(wire), len(wire))
