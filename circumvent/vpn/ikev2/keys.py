"""Key derivation (RFC 7296, sections 2.13, 2.14 and 2.17) and the hash that detects address translation (2.23)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.numbers import Encr, Integ, Prf

if TYPE_CHECKING:
    from circumvent.vpn.ikev2.suites import ChildSuite, IkeSuite

_PRF_HASH: Final = {
    Prf.HMAC_SHA1: "sha1",
    Prf.HMAC_SHA2_256: "sha256",
    Prf.HMAC_SHA2_384: "sha384",
    Prf.HMAC_SHA2_512: "sha512",
}
#: RFC 2404 and RFC 4868, section 2.6: hash, bytes of the key, bytes that are sent.
INTEGRITY: Final = {
    Integ.HMAC_SHA1_96: ("sha1", 20, 12),
    Integ.HMAC_SHA2_256_128: ("sha256", 32, 16),
    Integ.HMAC_SHA2_384_192: ("sha384", 48, 24),
    Integ.HMAC_SHA2_512_256: ("sha512", 64, 32),
}
#: RFC 4106, section 8.1, RFC 5282, section 7.1, RFC 7634, section 2: a salt of four bytes behind the key.
_SALT_BYTES: Final = 4
#: A nonce has 16 to 256 bytes (RFC 7296, section 3.9).
NONCE_BYTES: Final = (16, 256)


def prf(kind: Prf, key: bytes, data: bytes) -> bytes:
    """Return prf(key, data)."""
    return hmac.digest(key, data, _PRF_HASH[kind])


def prf_bytes(kind: Prf) -> int:
    """Return the bytes of a PRF's output, which is also the length of its keys (RFC 7296, section 2.13)."""
    return hashlib.new(_PRF_HASH[kind]).digest_size


def prf_plus(kind: Prf, key: bytes, seed: bytes, size: int) -> bytes:
    """Return ``size`` bytes of prf+(key, seed) (RFC 7296, section 2.13): at most 255 blocks.

    :raises IkeError: when more is asked for.
    """
    if size > 255 * prf_bytes(kind):
        raise IkeError("too much key material")
    stream, block = b"", b""
    for number in range(1, 256):
        if len(stream) >= size:
            break
        block = prf(kind, key, block + seed + bytes([number]))
        stream += block
    return stream[:size]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxKeys:
    """Keys of one direction: encryption (with its salt), and integrity where that is apart."""

    encr: bytes = field(repr=False)
    integ: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IkeKeys:
    """The seven secrets of an IKE SA (RFC 7296, section 2.14): SK_d, SK_ai and SK_ei, SK_ar and SK_er, SK_pi, SK_pr."""

    derive: bytes = field(repr=False)
    initiator: BoxKeys
    responder: BoxKeys
    proof_initiator: bytes = field(repr=False)
    proof_responder: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildKeys:
    """Keys of a CHILD SA: from the initiator, and to it."""

    initiator: BoxKeys
    responder: BoxKeys


def encr_bytes(encr: Encr, key_length: int) -> int:
    """Return the bytes of key material that an encryption takes."""
    if encr is Encr.CHACHA20_POLY1305:
        return 32 + _SALT_BYTES
    return key_length // 8 + (_SALT_BYTES if encr is Encr.AES_GCM_16 else 0)


def integ_bytes(integ: Integ | None) -> int:
    """Return the bytes of key material that an integrity algorithm takes."""
    return 0 if integ is None else INTEGRITY[integ][1]


class _Cutter:
    """Takes keys from a stream, one after the other."""

    def __init__(self, stream: bytes) -> None:
        self._rest = stream

    def take(self, size: int) -> bytes:
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken


def ike_keys(
    suite: IkeSuite, shared: bytes, nonces: tuple[bytes, bytes], spis: tuple[bytes, bytes]
) -> IkeKeys:
    """Derive the secrets of an IKE SA; of the pairs the initiator's comes first."""
    # SKEYSEED = prf(Ni | Nr, g^ir)
    seed = prf(suite.prf, b"".join(nonces), shared)
    # {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+ (SKEYSEED, Ni | Nr | SPIi | SPIr)
    own = prf_bytes(suite.prf)
    integ, encr = integ_bytes(suite.integ), encr_bytes(suite.encr, suite.key_length)
    size = 3 * own + 2 * integ + 2 * encr
    cut = _Cutter(prf_plus(suite.prf, seed, b"".join(nonces) + b"".join(spis), size))
    derive = cut.take(own)
    integ_i, integ_r = cut.take(integ), cut.take(integ)
    encr_i, encr_r = cut.take(encr), cut.take(encr)
    return IkeKeys(
        derive=derive,
        initiator=BoxKeys(encr=encr_i, integ=integ_i),
        responder=BoxKeys(encr=encr_r, integ=integ_r),
        proof_initiator=cut.take(own),
        proof_responder=cut.take(own),
    )


def child_keys(kind: Prf, derive: bytes, suite: ChildSuite, nonces: tuple[bytes, bytes]) -> ChildKeys:
    """Derive the keys of the CHILD SA that comes with IKE_AUTH: KEYMAT = prf+(SK_d, Ni | Nr)."""
    integ, encr = integ_bytes(suite.integ), encr_bytes(suite.encr, suite.key_length)
    cut = _Cutter(prf_plus(kind, derive, b"".join(nonces), 2 * (integ + encr)))
    # RFC 7296, section 2.17: the initiator's direction first, in each encryption before integrity.
    initiator = BoxKeys(encr=cut.take(encr), integ=cut.take(integ))
    responder = BoxKeys(encr=cut.take(encr), integ=cut.take(integ))
    return ChildKeys(initiator=initiator, responder=responder)


def nat_hash(spis: tuple[bytes, bytes], address: str, port: int) -> bytes:
    """Return SHA-1(SPIs | IP | Port) (RFC 7296, section 2.23)."""
    packed = ipaddress.ip_address(address).packed
    data = b"".join(spis) + packed + port.to_bytes(2, "big")
    return hashlib.sha1(data, usedforsecurity=False).digest()
