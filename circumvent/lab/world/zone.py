"""A root zone, signed by keys of its own, with NSEC or NSEC3 denial.

Everything lives in one zone, ``.``, so that each answer and each denial is signed by the root, as RFC 4034 and
RFC 5155 want it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

if TYPE_CHECKING:
    from pathlib import Path

    from dns.rdtypes.ANY.DNSKEY import DNSKEY

_HOUR: Final = 3600.0
_DAY: Final = 24 * _HOUR
_KEY_SIGNING: Final = 257
_ZONE_SIGNING: Final = 256
Denial = Literal["nsec", "nsec3", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedZone:
    """A zone as text, with what a resolver's user must trust to believe it.

    ``anchor`` is the DS record and ``anchor_key`` the DNSKEY record of the key-signing key, in zone-file form.
    """

    text: str
    anchor: str
    anchor_key: str

    def write(self, directory: Path, stem: str) -> Path:
        """Write ``STEM.zone`` and the trust anchor ``STEM.anchor``; return the path of the zone."""
        path = directory / f"{stem}.zone"
        path.write_text(self.text, encoding="ascii")
        (directory / f"{stem}.anchor").write_text(self.anchor + "\n", encoding="ascii")
        return path


class RootKeys:
    """A key-signing and a zone-signing key of one root (ECDSA P-256, RFC 6605)."""

    def __init__(self) -> None:
        self._private = {flags: ec.generate_private_key(ec.SECP256R1()) for flags in (257, 256)}
        self._public: dict[int, DNSKEY] = {
            flags: dns.dnssec.make_dnskey(
                key.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=flags
            )
            for flags, key in self._private.items()
        }

    @property
    def anchor(self) -> str:
        """The DS record of the key-signing key."""
        record = dns.dnssec.make_ds(dns.name.root, self._public[_KEY_SIGNING], "SHA256")
        return f". IN DS {record.to_text()}"

    @property
    def anchor_key(self) -> str:
        """The DNSKEY record of the key-signing key."""
        return f". IN DNSKEY {self._public[_KEY_SIGNING].to_text()}"

    def sign(
        self,
        denial: Denial = "nsec3",
        *,
        records: str,
        begins: float = -_HOUR,
        ends: float = 14 * _DAY,
        now: float | None = None,
    ) -> SignedZone:
        """Sign the ``records`` (zone-file form) as a root zone, valid from ``begins`` to ``ends`` seconds from ``now``; ``none`` leaves it unsigned."""
        zone = dns.zone.from_text(records, origin=".", relativize=False)
        if denial != "none":
            moment = time.time() if now is None else now
            keys = zone.find_rdataset(".", dns.rdatatype.DNSKEY, create=True)
            for key in self._public.values():
                keys.add(key, 3600)
            if denial == "nsec":
                _chain_nsec(zone)
            else:
                _chain_nsec3(zone)
            self._sign_all(zone, moment + begins, moment + ends)
        return SignedZone(text=zone.to_text(relativize=False), anchor=self.anchor, anchor_key=self.anchor_key)

    def _sign_all(self, zone: dns.zone.Zone, inception: float, expiration: float) -> None:
        found = [(name, rdataset) for name, node in zone.nodes.items() for rdataset in list(node)]
        for name, rdataset in found:
            flags = _KEY_SIGNING if rdataset.rdtype == dns.rdatatype.DNSKEY else _ZONE_SIGNING
            rrset = dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
            signature = dns.dnssec.sign(
                rrset,
                self._private[flags],
                dns.name.root,
                self._public[flags],
                inception=inception,
                expiration=expiration,
            )
            into = zone.find_rdataset(name, dns.rdatatype.RRSIG, covers=rdataset.rdtype, create=True)
            into.add(signature, rdataset.ttl)


def _chain_nsec(zone: dns.zone.Zone) -> None:
    """Link every name to the next in canonical order (RFC 4034, sections 4 and 6.1)."""
    names = sorted(zone.nodes)
    for name, following in zip(names, [*names[1:], names[0]], strict=True):
        types = sorted({*_types(zone, name), "NSEC", "RRSIG"}, key=dns.rdatatype.from_text)
        _add(zone, name, "NSEC", f"{following.to_text()} {' '.join(types)}")


def _chain_nsec3(zone: dns.zone.Zone) -> None:
    """Link the hashes of all names, empty non-terminals too (RFC 5155, section 7.1; no salt, no iterations)."""
    _add(zone, dns.name.root, "NSEC3PARAM", "1 0 0 -")
    names = {name.split(depth)[1] for name in zone.nodes for depth in range(1, len(name.labels) + 1)}
    hashed = sorted((dns.dnssec.nsec3_hash(name, None, 0, 1), name) for name in names)
    for index, (digest, name) in enumerate(hashed):
        following = hashed[(index + 1) % len(hashed)][0]
        types = _types(zone, name) if name in zone.nodes else []
        if types:
            types.append("RRSIG")
        ordered = " ".join(sorted(types, key=dns.rdatatype.from_text))
        _add(zone, dns.name.from_text(digest + "."), "NSEC3", f"1 0 0 - {following} {ordered}".rstrip())


def _types(zone: dns.zone.Zone, name: dns.name.Name) -> list[str]:
    return [dns.rdatatype.to_text(rdataset.rdtype) for rdataset in zone.nodes[name]]


def _add(zone: dns.zone.Zone, name: dns.name.Name, kind: str, text: str) -> None:
    rdata = dns.rdata.from_text("IN", kind, text, origin=dns.name.root, relativize=False)
    zone.find_rdataset(name, kind, create=True).add(rdata, 60)
