"""The AUTH payload (RFC 7296, sections 2.15 and 2.16; RFC 4754; RFC 7427): made, and verified."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from circumvent.vpn.ikev2.errors import IkeError, WrongPeer
from circumvent.vpn.ikev2.keys import prf
from circumvent.vpn.ikev2.numbers import Hash, Method
from circumvent.vpn.ikev2.payloads import pack_typed, parse_typed

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from circumvent.vpn.ikev2.numbers import Prf

PublicKey = object
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

#: RFC 7296, section 2.15.
_KEY_PAD: Final = b"Key Pad for IKEv2"
_WRONG: Final = "the signature is not made with the key of the certificate"

#: AlgorithmIdentifiers (RFC 7427, appendix A).
_RSA: Final = {
    bytes.fromhex("300d06092a864886f70d01010b0500"): hashes.SHA256(),
    bytes.fromhex("300d06092a864886f70d01010c0500"): hashes.SHA384(),
    bytes.fromhex("300d06092a864886f70d01010d0500"): hashes.SHA512(),
}
_ECDSA: Final = {
    bytes.fromhex("300a06082a8648ce3d040302"): hashes.SHA256(),
    bytes.fromhex("300a06082a8648ce3d040303"): hashes.SHA384(),
    bytes.fromhex("300a06082a8648ce3d040304"): hashes.SHA512(),
}


def _pss_identifier(number: int, salt: int) -> bytes:
    """Write the AlgorithmIdentifier of RSASSA-PSS with SHA-2 ``number`` for both hashes (RFC 7427, A.4)."""
    sha = bytes.fromhex("300d06096086480165030402") + bytes([number]) + bytes.fromhex("0500")
    mask = bytes.fromhex("301a06092a864886f70d010108") + sha
    body = b"\xa0\x0f" + sha + b"\xa1\x1c" + mask + b"\xa2\x03\x02\x01" + bytes([salt])
    inner = bytes.fromhex("06092a864886f70d01010a") + b"\x30" + bytes([len(body)]) + body
    return b"\x30" + bytes([len(inner)]) + inner


_PSS: Final = {
    _pss_identifier(1, 32): (hashes.SHA256(), 32),
    _pss_identifier(2, 48): (hashes.SHA384(), 48),
    _pss_identifier(3, 64): (hashes.SHA512(), 64),
}
#: RFC 4754, section 3: hash and bytes of each half of the signature.
_CURVES: Final = {
    Method.ECDSA_256: (hashes.SHA256(), 32),
    Method.ECDSA_384: (hashes.SHA384(), 48),
    Method.ECDSA_521: (hashes.SHA512(), 66),
}
_METHOD_OF_CURVE: Final = {256: Method.ECDSA_256, 384: Method.ECDSA_384, 521: Method.ECDSA_521}
_HASH_OF_CURVE: Final = {256: Hash.SHA2_256, 384: Hash.SHA2_384, 521: Hash.SHA2_512}
_ECDSA_OF_HASH: Final = dict(zip((Hash.SHA2_256, Hash.SHA2_384, Hash.SHA2_512), _ECDSA, strict=True))
_RSA_OF_HASH: Final = dict(zip((Hash.SHA2_256, Hash.SHA2_384, Hash.SHA2_512), _RSA, strict=True))
#: RFC 7296 names SHA-1 for method 1, and says that others are to be expected.
_CLASSIC: Final = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512(), hashes.SHA1())  # noqa: S303 - named by the RFC


def signed_octets(kind: Prf, message: bytes, nonce: bytes, proof_key: bytes, identity: bytes) -> bytes:
    """Return what is signed: a side's first message, the other side's nonce, prf(SK_p, its ID payload)."""
    return message + nonce + prf(kind, proof_key, identity)


def shared_key_auth(kind: Prf, secret: bytes, octets: bytes) -> bytes:
    """Return the AUTH payload of a shared key, also that of EAP: prf(prf(key, "Key Pad for IKEv2"), octets)."""
    return pack_typed(Method.PSK, prf(kind, prf(kind, secret, _KEY_PAD), octets))


def verify_shared_key(kind: Prf, secret: bytes, octets: bytes, body: bytes) -> None:
    """Verify the peer's AUTH payload.

    :raises WrongPeer: when it is made with another key.
    :raises IkeError: when it is of another method.
    """
    method, _ = parse_typed(body)
    if method != Method.PSK:
        raise IkeError("the peer authenticates itself in another way than was agreed")
    if not hmac.compare_digest(shared_key_auth(kind, secret, octets), body):
        raise WrongPeer("the peer has another shared key")


def verify_signature(public: PublicKey, octets: bytes, body: bytes) -> str:
    """Verify the peer's AUTH payload by the public key of its certificate; return which method it used.

    :raises WrongPeer: when the signature is wrong.
    :raises IkeError: when it is of a method that is not known here.
    """
    method, data = parse_typed(body)
    try:
        if method == Method.SIGNATURE:
            _verify_digital(public, data, octets)
            return "signature"
        if method == Method.RSA and isinstance(public, rsa.RSAPublicKey):
            _verify_classic(public, data, octets)
            return "rsa"
        if method in _CURVES and isinstance(public, ec.EllipticCurvePublicKey):
            algorithm, half = _CURVES[Method(method)]
            _verify_halves(public, data, half, octets, algorithm)
            return "ecdsa"
    except (InvalidSignature, UnsupportedAlgorithm, ValueError) as exc:
        if isinstance(exc, IkeError):
            raise
        raise WrongPeer(_WRONG) from exc
    raise IkeError(f"the peer authenticates itself by method {method}")


def _verify_digital(public: PublicKey, data: bytes, octets: bytes) -> None:
    """RFC 7427, section 3: length of the AlgorithmIdentifier, the identifier, the signature."""
    size = data[0] if data else 0
    identifier, signature = data[1 : 1 + size], data[1 + size :]
    if identifier in _RSA and isinstance(public, rsa.RSAPublicKey):
        public.verify(signature, octets, padding.PKCS1v15(), _RSA[identifier])
    elif identifier in _PSS and isinstance(public, rsa.RSAPublicKey):
        algorithm, salt = _PSS[identifier]
        public.verify(signature, octets, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
    elif identifier in _ECDSA and isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, octets, ec.ECDSA(_ECDSA[identifier]))
    else:
        raise IkeError("a signature of a sort that is not known here")


def _verify_classic(public: rsa.RSAPublicKey, signature: bytes, octets: bytes) -> None:
    for algorithm in _CLASSIC:
        try:
            public.verify(signature, octets, padding.PKCS1v15(), algorithm)
        except (InvalidSignature, UnsupportedAlgorithm):
            continue
        return
    raise InvalidSignature


def _verify_halves(
    public: ec.EllipticCurvePublicKey, data: bytes, half: int, octets: bytes, algorithm: hashes.HashAlgorithm
) -> None:
    if len(data) != 2 * half:
        raise WrongPeer(_WRONG)
    signature = encode_dss_signature(int.from_bytes(data[:half], "big"), int.from_bytes(data[half:], "big"))
    public.verify(signature, octets, ec.ECDSA(algorithm))


def sign(private: PrivateKey, octets: bytes, hashes_of_peer: AbstractSet[int]) -> bytes:
    """Return our AUTH payload, by digital signature where the peer knows that (RFC 7427), else as before it.

    :raises IkeError: when the key is on a curve that has no method.
    """
    if isinstance(private, rsa.RSAPrivateKey):
        for number, identifier in _RSA_OF_HASH.items():
            if number in hashes_of_peer:
                signature = private.sign(octets, padding.PKCS1v15(), _RSA[identifier])
                return pack_typed(Method.SIGNATURE, bytes([len(identifier)]) + identifier + signature)
        return pack_typed(Method.RSA, private.sign(octets, padding.PKCS1v15(), hashes.SHA1()))  # noqa: S303 - the RFC's
    bits = private.curve.key_size
    if bits not in _METHOD_OF_CURVE:
        raise IkeError("the private key is on a curve that is not known here")
    number = _HASH_OF_CURVE[bits]
    identifier = _ECDSA_OF_HASH[number]
    signature = private.sign(octets, ec.ECDSA(_ECDSA[identifier]))
    if number in hashes_of_peer:
        return pack_typed(Method.SIGNATURE, bytes([len(identifier)]) + identifier + signature)
    half = (bits + 7) // 8
    raw = b"".join(part.to_bytes(half, "big") for part in decode_dss_signature(signature))
    return pack_typed(_METHOD_OF_CURVE[bits], raw)
