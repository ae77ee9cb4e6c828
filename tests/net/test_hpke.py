"""HPKE, against RFC 9180 and against pyhpke."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

from circumvent.net import hpke
from circumvent.net.hpke import Aead, HpkeError

RFC = {
    name: bytes.fromhex(value)
    for name, value in json.loads(
        (Path(__file__).parent.parent / "vectors/rfc9180-a1.json").read_text()
    ).items()
    if name != "source"
}
THEIRS = {
    Aead.AES_128_GCM: AEADId.AES128_GCM,
    Aead.AES_256_GCM: AEADId.AES256_GCM,
    Aead.CHACHA20_POLY1305: AEADId.CHACHA20_POLY1305,
}


def test_rfc9180_sender() -> None:
    ephemeral = X25519PrivateKey.from_private_bytes(RFC["skEm"])
    encapsulated, context = hpke.setup_sender(RFC["pkRm"], RFC["info"], Aead.AES_128_GCM, ephemeral)
    assert encapsulated == RFC["enc"]
    assert (context.key, context.nonce) == (RFC["key"], RFC["base_nonce"])
    assert context.exporter_secret == RFC["exporter_secret"]
    assert context.seal(RFC["pt"], RFC["aad"]) == RFC["ct"]


def test_rfc9180_recipient() -> None:
    key = X25519PrivateKey.from_private_bytes(RFC["skRm"])
    context = hpke.setup_recipient(key, RFC["enc"], RFC["info"], Aead.AES_128_GCM)
    assert context.open(RFC["ct"], RFC["aad"]) == RFC["pt"]


@pytest.mark.parametrize(("seed", "key"), [("ikmE", "skEm"), ("ikmR", "skRm")])
def test_rfc9180_key_pairs(seed: str, key: str) -> None:
    # X25519 ignores some bits of a private key, so that public keys are compared.
    derived = hpke.derive_private_key(RFC[seed]).public_key().public_bytes_raw()
    assert derived == X25519PrivateKey.from_private_bytes(RFC[key]).public_key().public_bytes_raw()


@given(
    aead=st.sampled_from(Aead),
    info=st.binary(max_size=40),
    message=st.binary(max_size=200),
    aad=st.binary(max_size=40),
)
def test_pyhpke_opens_what_we_seal_and_exports_the_same(
    aead: Aead, info: bytes, message: bytes, aad: bytes
) -> None:
    key = X25519PrivateKey.generate()
    encapsulated, context = hpke.setup_sender(key.public_key().public_bytes_raw(), info, aead)
    suite = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, THEIRS[aead])
    theirs = suite.create_recipient_context(encapsulated, KEMKey.from_pyca_cryptography_key(key), info=info)
    assert theirs.open(context.seal(message, aad), aad=aad) == message
    assert theirs.export(b"odoh response", 16) == context.export(b"odoh response", 16)


@given(box=st.binary(max_size=60))
def test_garbage_does_not_open(box: bytes) -> None:
    _, context = hpke.setup_sender(RFC["pkRm"], b"", Aead.AES_128_GCM)
    with pytest.raises(HpkeError):
        context.open(box, b"")


@pytest.mark.parametrize("key", [bytes(32), b"short", b""])
def test_unusable_keys_are_refused(key: bytes) -> None:
    with pytest.raises(HpkeError):
        hpke.setup_sender(key, b"", Aead.AES_128_GCM)
    with pytest.raises(HpkeError):
        hpke.setup_recipient(X25519PrivateKey.generate(), key, b"", Aead.AES_128_GCM)
