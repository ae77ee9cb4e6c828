"""The NaCl boxes, against NaCl's and libsodium's own vectors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net import salsa

VECTORS = Path(__file__).parent.parent / "vectors"
KEYS = st.binary(min_size=32, max_size=32)
NONCES = st.binary(min_size=24, max_size=24)


def load(name: str) -> dict[str, Any]:
    return dict(json.loads((VECTORS / name).read_text()))


NACL = {name: bytes.fromhex(value) for name, value in load("nacl-secretbox.json").items() if name != "source"}


def test_hsalsa20_derives_nacls_first_and_second_key() -> None:
    assert salsa.hsalsa20(NACL["shared"], bytes(16)) == NACL["first_key"]
    assert salsa.hsalsa20(NACL["first_key"], NACL["nonce"][:16]) == NACL["second_key"]


def test_alice_and_bob_agree_on_nacls_first_key() -> None:
    alice = X25519PrivateKey.from_private_bytes(NACL["alice_private"])
    assert salsa.shared_key(salsa.hsalsa20, alice, NACL["bob_public"]) == NACL["first_key"]


def test_the_secret_box_is_nacls() -> None:
    key, nonce, message = NACL["first_key"], NACL["nonce"], NACL["message"]
    assert salsa.seal(salsa.xsalsa20_stream, key, nonce, message) == NACL["box"]
    assert salsa.unseal(salsa.xsalsa20_stream, key, nonce, NACL["box"]) == message


@pytest.mark.parametrize(("key", "block_input", "output"), load("libsodium-hchacha20.json")["vectors"])
def test_hchacha20_is_libsodiums(key: str, block_input: str, output: str) -> None:
    assert salsa.hchacha20(bytes.fromhex(key), bytes.fromhex(block_input)).hex() == output


def test_the_xchacha20_box_is_libsodiums() -> None:
    box = bytes.fromhex(load("libsodium-secretbox-xchacha20.json")["box"])
    key, nonce, message = bytes(range(32)), bytes(range(24)), bytes(range(100))
    assert salsa.seal(salsa.xchacha20_stream, key, nonce, message) == box


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=24, max_size=24), st.integers(0, 5000))
def test_a_stream_bound_to_a_prefix_is_the_same_stream(key: bytes, nonce: bytes, length: int) -> None:
    bound = salsa.xsalsa20_with_prefix(key, nonce[:16])
    assert bound(key, nonce, length) == salsa.xsalsa20_stream(key, nonce, length)


@pytest.mark.parametrize("stream", [salsa.xsalsa20_stream, salsa.xchacha20_stream])
@given(key=KEYS, nonce=NONCES, message=st.binary(max_size=300), data=st.data())
def test_a_box_opens_again_and_a_changed_one_never(
    stream: Any, key: bytes, nonce: bytes, message: bytes, data: st.DataObject
) -> None:
    box = salsa.seal(stream, key, nonce, message)
    assert salsa.unseal(stream, key, nonce, box) == message
    position = data.draw(st.integers(0, len(box) - 1))
    changed = box[:position] + bytes([box[position] ^ data.draw(st.integers(1, 255))]) + box[position + 1 :]
    with pytest.raises(salsa.BadTagError):
        salsa.unseal(stream, key, nonce, changed)


@given(box=st.binary(max_size=40))
def test_garbage_is_no_box(box: bytes) -> None:
    with pytest.raises(salsa.BadTagError):
        salsa.unseal(salsa.xchacha20_stream, bytes(32), bytes(24), box)


def test_a_public_key_of_low_order_is_refused() -> None:
    with pytest.raises(ValueError, match="shared key"):
        salsa.shared_key(salsa.hsalsa20, X25519PrivateKey.generate(), bytes(32))
