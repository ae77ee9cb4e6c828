"""Ed25519 certificates, laid out as the specification says."""

from __future__ import annotations

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor import ed25519_cert
from circumvent.tor.errors import NotValidNowError, TorError
from tests.faults.tor import FakeRelay, ed25519_certificate, raw

SIGNER = Ed25519PrivateKey.generate()
ENDS = 1_800_000_000 // 3600 * 3600
GOOD = ed25519_certificate(4, 1, bytes(range(32)), SIGNER, ends=ENDS, name_signer=True)


def with_extension(extension: int, flags: int, value: bytes, count: int = 1) -> bytes:
    body = struct.pack("!BBIB", 1, 4, ENDS // 3600, 1) + bytes(32) + bytes((count,))
    body += (struct.pack("!HBB", len(value), extension, flags) + value) * count
    return body + SIGNER.sign(body)


def test_what_it_says() -> None:
    certificate = ed25519_cert.parse(GOOD)
    assert (certificate.kind, certificate.key_type, certificate.key) == (4, 1, bytes(range(32)))
    assert certificate.expires == ENDS
    assert certificate.signed_with == raw(SIGNER)
    certificate.verify(raw(SIGNER), ENDS)


def test_it_ends() -> None:
    with pytest.raises(NotValidNowError) as caught:
        ed25519_cert.parse(GOOD).verify(raw(SIGNER), ENDS + 1)
    assert caught.value.moment == ENDS


def test_another_signer() -> None:
    with pytest.raises(TorError, match="another signer"):
        ed25519_cert.parse(GOOD).verify(raw(Ed25519PrivateKey.generate()), ENDS)


def test_an_extension_that_is_not_known_may_be_passed_over_unless_it_says_otherwise() -> None:
    assert ed25519_cert.parse(with_extension(9, 0, b"abc")).signed_with is None
    with pytest.raises(TorError, match="not known"):
        ed25519_cert.parse(with_extension(9, 1, b"abc"))
    with pytest.raises(TorError, match="not known"):
        ed25519_cert.parse(with_extension(4, 0, b"short"))
    with pytest.raises(TorError, match="not known"):
        ed25519_cert.parse(with_extension(9, 0, b"", count=9))


@pytest.mark.parametrize("length", [0, 40, 103, len(GOOD) - 1])
def test_cut(length: int) -> None:
    with pytest.raises(TorError):
        ed25519_cert.parse(GOOD[:length]).verify(raw(SIGNER), ENDS)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for text in (data, b"\1" + data):
        try:
            ed25519_cert.parse(text)
        except TorError:
            continue


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    changed = bytearray(GOOD)
    changed[data.draw(st.integers(0, len(GOOD) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(TorError):
        ed25519_cert.parse(bytes(changed)).verify(raw(SIGNER), ENDS)


class TestCross:
    """The RSA identity vouches for the Ed25519 identity."""

    relay = FakeRelay()
    body = dict(relay.certificates())[7]

    def verify(self, body: bytes, *, now: float | None = None) -> None:
        ed25519_cert.verify_cross_certificate(
            body,
            ed25519_identity=raw(self.relay.identity),
            rsa=self.relay.rsa.public_key(),
            now=self.relay.now if now is None else now,
        )

    def test_it_does(self) -> None:
        self.verify(self.body)

    def test_until_its_end(self) -> None:
        with pytest.raises(NotValidNowError):
            self.verify(self.body, now=self.relay.now + 40 * 86400)

    @pytest.mark.parametrize("length", [0, 36, 37, 100])
    def test_cut(self, length: int) -> None:
        with pytest.raises(TorError):
            self.verify(self.body[:length])

    @given(st.data())
    def test_a_changed_byte(self, data: st.DataObject) -> None:
        changed = bytearray(self.body)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        with pytest.raises(TorError):
            self.verify(bytes(changed))
