"""AUTH payloads as strongSwan makes them, and signatures of every sort."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2 import auth
from circumvent.vpn.ikev2.auth import (
    shared_key_auth,
    sign,
    signed_octets,
    verify_shared_key,
    verify_signature,
)
from circumvent.vpn.ikev2.errors import IkeError, WrongPeer
from circumvent.vpn.ikev2.numbers import Hash, Method, Prf
from circumvent.vpn.ikev2.payloads import pack_typed
from tests.vpn.ikev2.vectors import NAMES, RUNS, ike_suite, pair

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256 = ec.generate_private_key(ec.SECP256R1())
ALL = frozenset({Hash.SHA2_256, Hash.SHA2_384, Hash.SHA2_512})
OCTETS = b"what both saw" * 9


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_octets_and_auth_of_both_sides(run: dict[str, Any]) -> None:
    suite, nonces = ike_suite(run), pair(run["nonces"])
    messages = bytes.fromhex(run["messages"]["request"]), bytes.fromhex(run["messages"]["response"])
    for side, block in enumerate(run["auth"]):
        values = {name: bytes.fromhex(value) for name, value in block.items()}
        octets = signed_octets(suite.prf, messages[side], nonces[1 - side], values["sk_p"], values["id"])
        assert octets == values["octets"]
        body = shared_key_auth(suite.prf, values["secret"], octets)
        assert body[4:] == values["auth"]
        verify_shared_key(suite.prf, values["secret"], octets, body)


def test_another_shared_key_is_somebody_else() -> None:
    body = shared_key_auth(Prf.HMAC_SHA2_256, b"right", OCTETS)
    with pytest.raises(WrongPeer):
        verify_shared_key(Prf.HMAC_SHA2_256, b"wrong", OCTETS, body)
    with pytest.raises(IkeError):
        verify_shared_key(Prf.HMAC_SHA2_256, b"right", OCTETS, pack_typed(Method.RSA, body[4:]))


@pytest.mark.parametrize("known", [ALL, frozenset({Hash.SHA2_512, Hash.SHA2_256}), frozenset()])
@pytest.mark.parametrize(
    "key",
    [RSA, P256, ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP521R1())],
    ids=["rsa", "p256", "p384", "p521"],
)
def test_what_we_sign_verifies(key: auth.PrivateKey, known: frozenset[int]) -> None:
    body = sign(key, OCTETS, known)
    method = verify_signature(key.public_key(), OCTETS, body)
    assert method == ("signature" if body[0] == Method.SIGNATURE else "rsa" if key is RSA else "ecdsa")
    with pytest.raises(WrongPeer):
        verify_signature(key.public_key(), OCTETS + b"!", body)
    with pytest.raises(IkeError):
        verify_signature((P256 if key is RSA else RSA).public_key(), OCTETS, body)


@pytest.mark.parametrize(("number", "salt"), [(1, 32), (2, 48), (3, 64)])
def test_pss_of_a_server_is_understood(number: int, salt: int) -> None:
    algorithm = {1: hashes.SHA256(), 2: hashes.SHA384(), 3: hashes.SHA512()}[number]
    identifier = auth._pss_identifier(number, salt)
    if number == 1:  # RFC 7427, appendix A.4.3
        assert identifier.hex() == (
            "304106092a864886f70d01010a3034a00f300d06096086480165030402010500"
            "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
        )
    signature = RSA.sign(OCTETS, padding.PSS(padding.MGF1(algorithm), salt), algorithm)
    body = pack_typed(Method.SIGNATURE, bytes([len(identifier)]) + identifier + signature)
    assert verify_signature(RSA.public_key(), OCTETS, body) == "signature"


def test_sha_1_of_old_servers_is_understood() -> None:
    body = pack_typed(Method.RSA, RSA.sign(OCTETS, padding.PKCS1v15(), hashes.SHA1()))
    assert verify_signature(RSA.public_key(), OCTETS, body) == "rsa"


def test_a_curve_without_a_method_is_said() -> None:
    with pytest.raises(IkeError):
        sign(ec.generate_private_key(ec.SECP224R1()), OCTETS, ALL)


@given(st.binary(max_size=200))
def test_any_bytes_are_no_proof(data: bytes) -> None:
    for key in (RSA, P256):
        with pytest.raises(IkeError):
            verify_signature(key.public_key(), OCTETS, data)
    with pytest.raises(IkeError):
        verify_shared_key(Prf.HMAC_SHA2_256, b"key", OCTETS, data)
