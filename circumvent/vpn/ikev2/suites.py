"""What we offer and what the peer may choose of it (RFC 7296, section 2.7).

Written as strongSwan and its apps write it: ``aes256gcm16-prfsha384-ecp384`` or ``aes256-sha256-modp2048``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import COMBINED, Encr, Group, Integ, Prf, Protocol
from circumvent.vpn.ikev2.numbers import Transform as Sort
from circumvent.vpn.ikev2.payloads import Proposal, Transform

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ENCR: Final = {
    "aes128gcm16": Transform(Sort.ENCR, Encr.AES_GCM_16, 128),
    "aes256gcm16": Transform(Sort.ENCR, Encr.AES_GCM_16, 256),
    "chacha20poly1305": Transform(Sort.ENCR, Encr.CHACHA20_POLY1305),
    "aes128": Transform(Sort.ENCR, Encr.AES_CBC, 128),
    "aes192": Transform(Sort.ENCR, Encr.AES_CBC, 192),
    "aes256": Transform(Sort.ENCR, Encr.AES_CBC, 256),
}
_INTEG: Final = {
    "sha1": Transform(Sort.INTEG, Integ.HMAC_SHA1_96),
    "sha256": Transform(Sort.INTEG, Integ.HMAC_SHA2_256_128),
    "sha384": Transform(Sort.INTEG, Integ.HMAC_SHA2_384_192),
    "sha512": Transform(Sort.INTEG, Integ.HMAC_SHA2_512_256),
}
_PRF: Final = {
    "prfsha1": Transform(Sort.PRF, Prf.HMAC_SHA1),
    "prfsha256": Transform(Sort.PRF, Prf.HMAC_SHA2_256),
    "prfsha384": Transform(Sort.PRF, Prf.HMAC_SHA2_384),
    "prfsha512": Transform(Sort.PRF, Prf.HMAC_SHA2_512),
}
_DH: Final = {
    "curve25519": Transform(Sort.DH, Group.CURVE25519),
    "ecp256": Transform(Sort.DH, Group.ECP_256),
    "ecp384": Transform(Sort.DH, Group.ECP_384),
    "ecp521": Transform(Sort.DH, Group.ECP_521),
    "modp1024": Transform(Sort.DH, Group.MODP_1024),
    "modp1536": Transform(Sort.DH, Group.MODP_1536),
    "modp2048": Transform(Sort.DH, Group.MODP_2048),
    "modp3072": Transform(Sort.DH, Group.MODP_3072),
    "modp4096": Transform(Sort.DH, Group.MODP_4096),
}
#: Other spellings of the same.
_ALIASES: Final = {
    "aes128gcm128": "aes128gcm16",
    "aes256gcm128": "aes256gcm16",
    "aes128gcm": "aes128gcm16",
    "aes256gcm": "aes256gcm16",
    "x25519": "curve25519",
    "sha": "sha1",
    "sha2_256": "sha256",
    "sha2_384": "sha384",
    "sha2_512": "sha512",
    "aes": "aes128",
}
_NO_ESN: Final = Transform(Sort.ESN, 0)

_GROUPS: Final = "curve25519-ecp256-ecp384-ecp521-modp2048-modp3072-modp4096"
#: Offered where the profile names nothing: authenticated encryption first. Groups below 2048 bits are offered only to a
#: profile that asks for them, because what is recorded today may be read tomorrow.
DEFAULT_IKE: Final = (
    f"aes256gcm16-aes128gcm16-chacha20poly1305-prfsha384-prfsha256-prfsha512-{_GROUPS}",
    f"aes256-aes128-sha256-sha384-sha512-sha1-prfsha256-prfsha384-prfsha512-prfsha1-{_GROUPS}",
)
DEFAULT_ESP: Final = (
    "aes256gcm16-aes128gcm16-chacha20poly1305",
    "aes256-aes128-sha256-sha384-sha512-sha1",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IkeSuite:
    """The algorithms of an IKE SA.

    ``integ`` is ``None`` with authenticated encryption; ``key_length`` in bits, 0 where the algorithm has but one.
    """

    encr: Encr
    key_length: int
    integ: Integ | None
    prf: Prf
    group: Group


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSuite:
    """The algorithms of a CHILD SA."""

    encr: Encr
    key_length: int
    integ: Integ | None


@dataclass(frozen=True, slots=True)
class Offer:
    """Proposals for one protocol, each the list of its transforms."""

    protocol: Protocol
    proposals: tuple[tuple[Transform, ...], ...]

    def pack(self, spi: bytes = b"") -> tuple[Proposal, ...]:
        """Return the proposals, numbered from 1, with our ``spi``."""
        return tuple(
            Proposal(number, self.protocol, spi, transforms)
            for number, transforms in enumerate(self.proposals, start=1)
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        """Return the groups that are offered, in order of preference."""
        numbers = [one.number for each in self.proposals for one in each if one.kind == Sort.DH]
        return tuple(Group(number) for number in dict.fromkeys(numbers))


def ike_offer(texts: Sequence[str]) -> Offer:
    """Return what ``texts`` say, for IKE; an empty list is :data:`DEFAULT_IKE`.

    :raises IkeError: when one names an algorithm that is not spoken here, or leaves out one that is needed.
    """
    return Offer(Protocol.IKE, tuple(_ike(text) for text in texts or DEFAULT_IKE))


def esp_offer(texts: Sequence[str]) -> Offer:
    """Return what ``texts`` say, for ESP without extended sequence numbers; an empty list is :data:`DEFAULT_ESP`.

    Groups are left out: the first CHILD SA has none of its own (RFC 7296, section 1.2).

    :raises IkeError: as for :func:`ike_offer`.
    """
    return Offer(Protocol.ESP, tuple(_esp(text) for text in texts or DEFAULT_ESP))


def _words(text: str) -> list[str]:
    words = [_ALIASES.get(word, word) for word in text.strip().lower().rstrip("!").split("-")]
    known = _ENCR.keys() | _INTEG.keys() | _PRF.keys() | _DH.keys() | {"noesn"}
    if not words or not set(words) <= known:
        raise IkeError("it names an algorithm that is not spoken here")
    return list(dict.fromkeys(words))


def _sorted(words: Iterable[str], table: dict[str, Transform]) -> list[Transform]:
    return [table[word] for word in words if word in table]


def _encryption(words: list[str]) -> tuple[list[Transform], list[Transform]]:
    """Return encryption and integrity; the latter is none of the offer beside authenticated encryption."""
    encr, integ = _sorted(words, _ENCR), _sorted(words, _INTEG)
    combined = {one.number in COMBINED for one in encr}
    if len(combined) != 1:
        raise IkeError("it names no encryption, or two sorts that do not go together")
    if combined == {True}:
        return encr, []
    if not integ:
        raise IkeError("it names no integrity algorithm")
    return encr, integ


def _ike(text: str) -> tuple[Transform, ...]:
    words = _words(text)
    encr, integ = _encryption(words)
    # Without a PRF of its own a proposal uses that of its integrity algorithms, as strongSwan does.
    prf = _sorted(words, _PRF) or [_PRF[f"prf{word}"] for word in words if word in _INTEG]
    group = _sorted(words, _DH)
    if not prf or not group:
        raise IkeError("it names no PRF or no Diffie-Hellman group that is spoken here")
    return (*encr, *integ, *prf, *group)


def _esp(text: str) -> tuple[Transform, ...]:
    encr, integ = _encryption(_words(text))
    return (*encr, *integ, _NO_ESN)


def _chosen(offer: Offer, proposals: Sequence[Proposal]) -> dict[int, Transform]:
    """Return the transforms that were chosen, by type.

    :raises IkeError: when that is not one of each type, out of a single proposal of ours.
    """
    if len(proposals) != 1:
        raise IkeError("the peer chose several proposals, or none")
    (proposal,) = proposals
    if proposal.protocol != offer.protocol or not 1 <= proposal.number <= len(offer.proposals):
        raise IkeError("the peer chose what was not offered")
    offered = offer.proposals[proposal.number - 1]
    chosen = {one.kind: one for one in proposal.transforms if not (one.kind == Sort.INTEG and not one.number)}
    said = [one for one in proposal.transforms if not (one.kind == Sort.INTEG and not one.number)]
    if len(chosen) != len(said) or not set(chosen.values()) <= set(offered):
        raise IkeError("the peer chose what was not offered")
    if {one.kind for one in offered} - chosen.keys() - {Sort.ESN}:
        raise IkeError("the peer left an algorithm open")
    return chosen


def chosen_ike(offer: Offer, proposals: Sequence[Proposal]) -> IkeSuite:
    """Return the suite that the peer chose.

    :raises IkeError: when it is not one of ours.
    """
    chosen = _chosen(offer, proposals)
    encr, integ = chosen[Sort.ENCR], chosen.get(Sort.INTEG)
    return IkeSuite(
        encr=Encr(encr.number),
        key_length=encr.key_length or 0,
        integ=None if integ is None else Integ(integ.number),
        prf=Prf(chosen[Sort.PRF].number),
        group=Group(chosen[Sort.DH].number),
    )


def chosen_child(offer: Offer, proposals: Sequence[Proposal]) -> tuple[ChildSuite, bytes]:
    """Return the suite of the CHILD SA that the peer chose, and its SPI.

    :raises IkeError: when it is not one of ours.
    """
    chosen = _chosen(offer, proposals)
    encr, integ = chosen[Sort.ENCR], chosen.get(Sort.INTEG)
    spi = proposals[0].spi
    if len(spi) != 4 or not any(spi[:3]):  # up to 255 are reserved (RFC 4303, section 2.1)
        raise IkeError("the peer's SPI has the wrong length, or is reserved")
    suite = ChildSuite(
        encr=Encr(encr.number),
        key_length=encr.key_length or 0,
        integ=None if integ is None else Integ(integ.number),
    )
    return suite, spi
