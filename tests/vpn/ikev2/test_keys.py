"""Keys as strongSwan derives them."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.keys import child_keys, ike_keys, nat_hash, prf, prf_bytes, prf_plus
from circumvent.vpn.ikev2.numbers import Prf
from tests.vpn.ikev2.vectors import NAMES, RUNS, child_suite, ike_suite, pair


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_the_seven_secrets(run: dict[str, Any]) -> None:
    suite = ike_suite(run)
    keys = ike_keys(suite, bytes.fromhex(run["shared"]), pair(run["nonces"]), pair(run["spis"]))
    expected = {name: bytes.fromhex(value) for name, value in run["ike"].items()}
    assert prf(suite.prf, b"".join(pair(run["nonces"])), bytes.fromhex(run["shared"])) == expected["skeyseed"]
    assert keys.derive == expected["sk_d"]
    assert (keys.initiator.integ, keys.responder.integ) == (expected["sk_ai"], expected["sk_ar"])
    assert (keys.initiator.encr, keys.responder.encr) == (expected["sk_ei"], expected["sk_er"])
    assert (keys.proof_initiator, keys.proof_responder) == (expected["sk_pi"], expected["sk_pr"])


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_keys_of_the_child(run: dict[str, Any]) -> None:
    derive = bytes.fromhex(run["ike"]["sk_d"])
    keys = child_keys(ike_suite(run).prf, derive, child_suite(run), pair(run["nonces"]))
    expected = {name: bytes.fromhex(value) for name, value in run["child"].items()}
    assert (keys.initiator.encr, keys.initiator.integ) == (expected["encr_i"], expected["integ_i"])
    assert (keys.responder.encr, keys.responder.integ) == (expected["encr_r"], expected["integ_r"])


def test_a_stream_of_keys_has_an_end() -> None:
    most = 255 * prf_bytes(Prf.HMAC_SHA1)
    assert len(prf_plus(Prf.HMAC_SHA1, b"k", b"s", most)) == most
    assert prf_plus(Prf.HMAC_SHA1, b"k", b"s", 0) == b""
    with pytest.raises(IkeError):
        prf_plus(Prf.HMAC_SHA1, b"k", b"s", most + 1)


def test_the_hash_that_finds_address_translation() -> None:
    spis = b"12345678", b"abcdefgh"
    data = b"12345678abcdefgh" + bytes([198, 51, 100, 1]) + b"\x01\xf4"
    assert nat_hash(spis, "198.51.100.1", 500) == hashlib.sha1(data).digest()


@pytest.mark.parametrize("run", RUNS, ids=NAMES)
def test_no_key_is_in_a_repr(run: dict[str, Any]) -> None:
    keys = ike_keys(ike_suite(run), bytes.fromhex(run["shared"]), pair(run["nonces"]), pair(run["spis"]))
    assert repr(keys.derive)[2:-1] not in repr(keys)
    assert repr(keys.initiator.encr)[2:-1] not in repr(keys)
