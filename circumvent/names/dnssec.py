"""DNSSEC for one purpose: prove that the root denies a name, with keys that end at a trust anchor.

Sources: RFC 4034 (records), RFC 4035 section 5 (validation), RFC 6840 (clarifications), RFC 8624 and RFC 9904
(algorithms). The number of signatures tried is bounded, because a hostile answer can make validation expensive
(CVE-2023-50387).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.tokenizer
import dns.zonefile
from dns.dnssectypes import DSDigest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.DS import DS
from dns.rdtypes.ANY.RRSIG import RRSIG

from circumvent.model import failure as failures
from circumvent.names import denial
from circumvent.names.framing import LONGEST_ANSWER
from circumvent.names.message import Answer
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Specification.
ZONE_KEY: Final = 0x0100  #: DNSKEY flag (RFC 4034 section 2.1.1)
REVOKED: Final = 0x0080  #: DNSKEY flag (RFC 5011 section 2.1)
#: Digests that anchors may use: SHA-1 (1) and GOST (3) may not (RFC 8624 section 3.3).
DIGESTS: Final = frozenset({DSDigest.SHA256, DSDigest.SHA384})

# Ours.
MOST_KEYS: Final = 16  #: keys of one set that are looked at
MOST_SIGNATURES: Final = 8  #: signatures over one set that are looked at
MOST_TRIES: Final = 8  #: signature checks for one set


class Stripped(PeerError):
    """The answer holds no proof at all. That is no lie: many resolvers leave DNSSEC out."""

    def __init__(self, detail: str) -> None:
        super().__init__(failures.DNS_NO_ANSWER, detail)


class Bogus(PeerError):
    """The answer holds a proof, and it is false."""

    def __init__(self, detail: str) -> None:
        super().__init__(failures.WRONG_ANSWER, detail)


class Expired(PeerError):
    """The proof is right, but not at the time of our clock; ``window`` says when it holds."""

    def __init__(self, window: Window) -> None:
        super().__init__(failures.CLOCK_SKEW, f"signed for {window.since:.0f} to {window.until:.0f}")
        self.window = window


@dataclass(frozen=True, slots=True)
class Window:
    """A time span in seconds since 1970: both ends belong to it."""

    since: float
    until: float

    def contains(self, now: float) -> bool:
        """Tell whether ``now`` lies inside."""
        return self.since <= now <= self.until

    def meet(self, other: Window) -> Window:
        """Return what both spans share (it may be empty: ``since`` after ``until``)."""
        return Window(max(self.since, other.since), min(self.until, other.until))


@dataclass(frozen=True, slots=True)
class Proved:
    """The root's keys, proved by an anchor, and the answer that they came in."""

    keys: tuple[DNSKEY, ...]
    window: Window
    wire: bytes
    #: Our clock lies outside the window: the signature was checked for the middle of it.
    expired: bool

    @property
    def until(self) -> float:
        """Return until when the keys may be kept; an expired set is kept for nobody's sake but this check's."""
        return float("inf") if self.expired else self.window.until


def parse_anchors(text: str) -> tuple[DS | DNSKEY, ...]:
    """Read trust anchors of the root: DS or DNSKEY records in zone-file form, one a line.

    :raises ValueError: with the line number, for a line that is neither, is for another name, revoked, or has a
        digest other than SHA-256 and SHA-384; and when there is no anchor at all.
    """
    anchors: list[DS | DNSKEY] = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split(";", 1)[0].strip()
        if content:
            try:
                anchors.append(_parse_anchor(content))
            except (ValueError, dns.exception.DNSException) as exc:
                raise ValueError(f"line {number}: {exc}") from exc
    if not anchors:
        raise ValueError(
            "no trust anchor in it. It takes DS or DNSKEY records of the root, as in a zone file."
        )
    return tuple(anchors)


def _parse_anchor(line: str) -> DS | DNSKEY:
    try:
        rrsets = dns.zonefile.read_rrsets(line, default_ttl=0, rdclass=None, default_rdclass="IN")
    except dns.exception.DNSException as exc:
        raise ValueError("not a record in zone-file form") from exc
    for rrset in rrsets:
        if rrset.name != dns.name.root:
            raise ValueError("an anchor must be of the root")
        for rdata in rrset:
            if isinstance(rdata, DS):
                if rdata.digest_type not in DIGESTS:
                    raise ValueError("the digest must be SHA-256 (2) or SHA-384 (4)")
                return rdata
            if isinstance(rdata, DNSKEY):
                if rdata.flags & REVOKED or not rdata.flags & ZONE_KEY:
                    raise ValueError("the key is revoked, or no zone key")
                return rdata
    raise ValueError("neither a DS nor a DNSKEY record")


def anchored(keys: Iterable[DNSKEY], anchors: Sequence[DS | DNSKEY]) -> tuple[DNSKEY, ...]:
    """Return the keys that an anchor names. A revoked key is never among them (RFC 5011 section 2.1)."""
    return tuple(
        key
        for key in keys
        if key.flags & ZONE_KEY
        and not key.flags & REVOKED
        and key.protocol == 3
        and any(_names(anchor, key) for anchor in anchors)
    )


def _names(anchor: DS | DNSKEY, key: DNSKEY) -> bool:
    if isinstance(anchor, DNSKEY):
        return anchor.to_wire() == key.to_wire()
    if anchor.key_tag != dns.dnssec.key_id(key) or anchor.algorithm != key.algorithm:
        return False
    return anchor.digest_type in DIGESTS and bool(
        dns.dnssec.make_ds(dns.name.root, key, anchor.digest_type, validating=True).digest == anchor.digest
    )


def prove_root_keys(answer: Answer, anchors: str, now: float) -> Proved:
    """Prove the root's DNSKEY set: it must be signed by a key that an anchor names.

    :raises Stripped: when the answer has no keys or no signatures.
    :raises Bogus: when no anchored key signed the set.
    """
    keyset, signatures = _find(answer.message.answer, dns.name.root, dns.rdatatype.DNSKEY)
    if keyset is None or not signatures:
        raise Stripped("no signed DNSKEY set of the root")
    keys = tuple(key for key in list(keyset)[:MOST_KEYS] if isinstance(key, DNSKEY))
    trusted = anchored(keys, parse_anchors(anchors))
    if not trusted:
        raise Bogus("no key of the root is a trust anchor")
    # Validating with the set's own keys would pass for any self-made root: only anchored keys may speak.
    try:
        window = verify(keyset, signatures, trusted, dns.name.root, now)
        expired = False
    except Expired as exc:
        window, expired = exc.window, True
    usable = tuple(
        key for key in keys if key.flags & ZONE_KEY and not key.flags & REVOKED and key.protocol == 3
    )
    return Proved(usable, window, answer.message.wire or b"", expired)


def prove_saved_keys(wire: bytes, anchors: str, now: float) -> Proved:
    """Prove a saved answer again (:func:`prove_root_keys`); what is saved is trusted no more than the network.

    :raises PeerError: when it is no such answer, or has expired.
    """
    try:
        message = dns.message.from_wire(wire[:LONGEST_ANSWER])
    except (dns.exception.DNSException, ValueError) as exc:
        raise Bogus("not a DNS message") from exc
    proved = prove_root_keys(Answer(message, len(wire)), anchors, now)
    if proved.expired:
        raise Expired(proved.window)
    return proved


def verify(
    rrset: dns.rrset.RRset,
    signatures: Sequence[RRSIG],
    keys: Sequence[DNSKEY],
    zone: dns.name.Name,
    now: float,
) -> Window:
    """Verify a set with keys of ``zone`` and return when its signature holds.

    :raises Expired: when a signature verifies, but for another time than ``now``.
    :raises Bogus: when none verifies.
    """
    other: Window | None = None
    tries = 0
    for signature in signatures[:MOST_SIGNATURES]:
        # RFC 4035 section 5.3.1. No wildcard stands behind a denial or a DNSKEY set of ours: the labels match.
        if signature.signer != zone or signature.labels != len(rrset.name.labels) - 1:
            continue
        window = Window(signature.inception, signature.expiration)
        for key in keys:
            if key.algorithm != signature.algorithm or dns.dnssec.key_id(key) != signature.key_tag:
                continue
            tries += 1
            if tries > MOST_TRIES:
                raise Bogus("too many signatures")
            if not _verifies(rrset, signature, key, zone, window):
                continue
            if window.contains(now):
                return window
            other = window
    if other is not None:
        raise Expired(other)
    raise Bogus(f"no signature over {dns.rdatatype.to_text(rrset.rdtype)} verifies")


def _verifies(
    rrset: dns.rrset.RRset, signature: RRSIG, key: DNSKEY, zone: dns.name.Name, window: Window
) -> bool:
    """Check one signature as of the middle of its own validity; the clock is the caller's question."""
    keyring: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {
        zone: dns.rdataset.from_rdata(0, key)
    }
    try:
        dns.dnssec.validate_rrsig(rrset, signature, keyring, now=(window.since + window.until) / 2)
    except (dns.exception.DNSException, ValueError):
        return False
    return True


def prove_denial(answer: Answer, name: str, root: Proved, now: float) -> Window:
    """Prove that the root denies ``name``, and return when the proof holds.

    :raises Stripped: when there is no proof in the answer, or one that leaves the name open (opt-out).
    :raises Expired: when it holds at another time than ``now``.
    :raises Bogus: when it is false, or proves something else.
    """
    qname = dns.name.from_text(name)
    if answer.message.answer or answer.rcode not in {"NXDOMAIN", "NOERROR"}:
        raise Stripped(f"{answer.rcode} with {len(answer.message.answer)} answers is no denial")
    window = root.window
    expired = False
    records: list[denial.Record] = []
    for rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3):
        for owner in _owners(answer.message.authority, rdtype):
            rrset, signatures = _find(answer.message.authority, owner, rdtype)
            if rrset is None or not signatures:
                raise Stripped("a denial without signature")
            try:
                window = window.meet(verify(rrset, signatures, root.keys, dns.name.root, now))
            except Expired as exc:
                window, expired = window.meet(exc.window), True
            records.extend(denial.Record(owner, rdata) for rdata in rrset)
    if not records:
        raise Stripped("no NSEC and no NSEC3")
    try:
        denial.prove_name_error(qname, dns.name.root, records, nxdomain=answer.rcode == "NXDOMAIN")
    except denial.OptOut as exc:
        raise Stripped(str(exc)) from exc
    except denial.NotDenied as exc:
        raise Bogus(str(exc)) from exc
    if expired:
        raise Expired(window)
    return window


def _owners(section: Sequence[dns.rrset.RRset], rdtype: dns.rdatatype.RdataType) -> list[dns.name.Name]:
    owners = dict.fromkeys(rrset.name for rrset in section if rrset.rdtype == rdtype)
    return list(owners)[: denial.MOST_RECORDS]


def _find(
    section: Sequence[dns.rrset.RRset], name: dns.name.Name, rdtype: dns.rdatatype.RdataType
) -> tuple[dns.rrset.RRset | None, list[RRSIG]]:
    """Return the set of ``name`` and type, and the signatures over it."""
    found: dns.rrset.RRset | None = None
    signatures: list[RRSIG] = []
    for rrset in section:
        if rrset.name != name or rrset.rdclass != dns.rdataclass.IN:
            continue
        if rrset.rdtype == rdtype:
            found = rrset
        elif rrset.rdtype == dns.rdatatype.RRSIG and rrset.covers == rdtype:
            signatures.extend(rdata for rdata in rrset if isinstance(rdata, RRSIG))
    return found, signatures
