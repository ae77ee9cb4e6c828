"""A client of Oblivious DoH made of pyhpke and the words of RFC 9230; it shares no code with the transport."""

from __future__ import annotations

from typing import Final

import dns.message
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

MEDIA_TYPE: Final = "application/oblivious-dns-message"
SUITE: Final = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)


class Question:
    """One question, as RFC 9230, section 6, has it."""

    def __init__(self, configurations: bytes, query: dns.message.Message) -> None:
        length = int.from_bytes(configurations[:2], "big")
        assert length == len(configurations) - 2
        contents = configurations[6:]
        assert configurations[2:6] == b"\0\1" + len(contents).to_bytes(2, "big")
        assert contents[:6] == bytes.fromhex("0020 0001 0001")
        key = KEMKey.from_pyca_cryptography_key(X25519PublicKey.from_public_bytes(contents[8:]))
        self.head = b"\1" + prefixed(expand(extract(b"", contents), b"odoh key id", 32))
        self.encapsulated, self.context = SUITE.create_sender_context(key, info=b"odoh query")
        self.plaintext = prefixed(query.to_wire()) + prefixed(bytes(10))

    @property
    def sealed(self) -> bytes:
        """The message for the target. It may be taken once: each sealing has a nonce of its own."""
        return self.head + prefixed(self.encapsulated + self.context.seal(self.plaintext, aad=self.head))

    def open(self, answer: bytes) -> dns.message.Message:
        """Open the target's answer."""
        size = int.from_bytes(answer[1:3], "big")
        nonce, box = answer[1 : 3 + size], answer[5 + size :]
        prk = extract(self.plaintext + nonce, self.context.export(b"odoh response", 16))
        opened = AESGCM(expand(prk, b"odoh key", 16)).decrypt(
            expand(prk, b"odoh nonce", 12), box, b"\2" + nonce
        )
        return dns.message.from_wire(opened[2 : 2 + int.from_bytes(opened[:2], "big")])


def prefixed(data: bytes) -> bytes:
    """Put the length before it."""
    return len(data).to_bytes(2, "big") + data


def extract(salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract (RFC 5869)."""
    mac = HMAC(salt or bytes(32), SHA256())
    mac.update(material)
    return mac.finalize()


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869)."""
    return HKDFExpand(SHA256(), length, info).derive(key)
