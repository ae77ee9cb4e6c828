"""The Noise handshake with dnstt's server, as recorded from it, and against a server's side written here."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.dnstt.noise import LONGEST, NAME, PROLOGUE, Cipher, Noise, _derive
from circumvent.tor.errors import TorError, WrongIdentityError

SERVER = X25519PrivateKey.from_private_bytes(bytes([7]) * 32)
PUBLIC = SERVER.public_key().public_bytes_raw()
SECRET = bytes([9]) * 32


class Server:
    """The other side: answers a hello as the holder of ``key``."""

    def __init__(self, key: X25519PrivateKey) -> None:
        self.key = key

    def answer(self, hello: bytes) -> bytes:
        """Answer, and keep the ciphers."""
        theirs, sealed = hello[2:34], hello[34:]
        chain = digest = hashlib.blake2s(NAME).digest()
        for part in (PROLOGUE, PUBLIC, theirs):
            digest = hashlib.blake2s(digest + part).digest()
        chain, key = _derive(chain, self.key.exchange(X25519PublicKey.from_public_bytes(theirs)))
        if self.key is SERVER:
            assert Cipher(key).open(sealed, digest) == b""
        digest = hashlib.blake2s(digest + sealed).digest()
        own = X25519PrivateKey.from_private_bytes(bytes([8]) * 32)
        public = own.public_key().public_bytes_raw()
        digest = hashlib.blake2s(digest + public).digest()
        chain, key = _derive(chain, own.exchange(X25519PublicKey.from_public_bytes(theirs)))
        said = public + Cipher(key).seal(b"", digest)
        from_client, to_client = _derive(chain, b"")
        self.receiving, self.sending = Cipher(from_client), Cipher(to_client)
        return len(said).to_bytes(2) + said


def test_both_sides_read_each_other() -> None:
    client, server = Noise(PUBLIC, SECRET), Server(SERVER)
    hello = client.hello()
    assert len(hello) == 2 + 32 + 16
    for byte in server.answer(hello):
        assert not client.open
        assert client.feed(bytes([byte])) == b""
    assert client.open
    sealed = client.seal(bytes(LONGEST + 1))
    first = 2 + LONGEST + 16
    assert server.receiving.open(sealed[2:first]) == bytes(LONGEST)
    assert server.receiving.open(sealed[first + 2 :]) == bytes(1)
    said = server.sending.seal(b"hello")
    assert client.feed(len(said).to_bytes(2) + said) == b"hello"


def test_whoever_does_not_hold_the_key() -> None:
    client = Noise(PUBLIC, SECRET)
    stranger = Server(X25519PrivateKey.from_private_bytes(bytes([6]) * 32))
    with pytest.raises(WrongIdentityError):
        client.feed(stranger.answer(client.hello()))
    assert not client.open


@pytest.mark.parametrize("length", [0, 47, 49])
def test_an_answer_of_another_length(length: int) -> None:
    client = Noise(PUBLIC, SECRET)
    client.hello()
    with pytest.raises(TorError):
        client.feed(length.to_bytes(2) + bytes(length))


def test_a_key_of_small_order() -> None:
    client = Noise(PUBLIC, SECRET)
    client.hello()
    with pytest.raises(TorError, match="small order"):
        client.feed((48).to_bytes(2) + bytes(48))


def test_a_changed_message() -> None:
    client, server = Noise(PUBLIC, SECRET), Server(SERVER)
    client.feed(server.answer(client.hello()))
    said = bytearray(server.sending.seal(b"hello"))
    said[0] ^= 1
    with pytest.raises(TorError):
        client.feed(len(said).to_bytes(2) + bytes(said))


def test_nothing_is_sealed_before_the_handshake() -> None:
    with pytest.raises(RuntimeError):
        Noise(PUBLIC, SECRET).seal(b"hello")


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    client = Noise(PUBLIC, SECRET)
    client.hello()
    try:
        client.feed(data)
    except TorError:
        return
    assert not client.open
