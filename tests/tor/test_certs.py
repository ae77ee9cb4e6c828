"""Who answers: the certificates of a real tor, and every way in which one can be wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor import certs
from circumvent.tor.cells import Certificate
from circumvent.tor.errors import NotValidNowError, TorError
from tests.faults.tor import DAY, FakeRelay, ed25519_certificate, raw, x509_certificate
from tests.tor.recorded import IDENTITY, NOW, TLS_CERTIFICATE, certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RELAY = FakeRelay(now=NOW)
OTHER = FakeRelay(now=NOW)


def shown(relay: FakeRelay = RELAY, changed: Mapping[int, bytes] | None = None) -> list[Certificate]:
    """Return a relay's certificates; ``changed`` are some of another making, by type."""
    return [Certificate(kind, (changed or {}).get(kind, body)) for kind, body in relay.certificates()]


class TestRecorded:
    """tor's own."""

    def test_they_prove_both_identities(self) -> None:
        assert certs.verify(certificates(), TLS_CERTIFICATE, NOW) == IDENTITY

    def test_they_are_for_that_connection_alone(self) -> None:
        with pytest.raises(TorError, match="another TLS connection"):
            certs.verify(certificates(), TLS_CERTIFICATE + b"\0", NOW)

    @given(st.data())
    def test_a_changed_byte_is_noticed(self, data: st.DataObject) -> None:
        number = data.draw(
            st.integers(1, 4)
        )  # the first, of the TLS key, proves nothing and is not looked at
        entries = list(certificates())
        body = bytearray(entries[number].body)
        body[data.draw(st.integers(0, len(body) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        entries[number] = replace(entries[number], body=bytes(body))
        with pytest.raises(TorError):
            certs.verify(entries, TLS_CERTIFICATE, NOW)

    def test_two_hours_more_or_less_do_not_matter(self) -> None:
        for off in (-7200, 7200):
            assert certs.verify(certificates(), TLS_CERTIFICATE, NOW + off) == IDENTITY

    @pytest.mark.parametrize("years", [-3, 3])
    def test_years_do(self, years: int) -> None:
        with pytest.raises(NotValidNowError):
            certs.verify(certificates(), TLS_CERTIFICATE, NOW + years * 365 * DAY)


def test_those_made_from_the_specification() -> None:
    identity = certs.verify(shown(), RELAY.tls_der, NOW)
    assert identity == certs.Identity(RELAY.fingerprint, raw(RELAY.identity))


@pytest.mark.parametrize("kind", [2, 4, 5, 7])
def test_each_is_needed_once(kind: int) -> None:
    entries = shown()
    with pytest.raises(TorError, match="missing"):
        certs.verify([entry for entry in entries if entry.kind != kind], RELAY.tls_der, NOW)
    with pytest.raises(TorError, match="two of its kind"):
        certs.verify([*entries, *entries], RELAY.tls_der, NOW)


@pytest.mark.parametrize("kind", [2, 4, 5, 7])
def test_none_can_be_that_of_another_relay(kind: int) -> None:
    """Somebody replays what another relay shows."""
    body = dict(OTHER.certificates())[kind]
    with pytest.raises(TorError):
        certs.verify(shown(changed={kind: body}), RELAY.tls_der, NOW)


def test_a_whole_set_of_another_relay_is_for_its_own_connection() -> None:
    with pytest.raises(TorError, match="another TLS connection"):
        certs.verify(shown(OTHER), RELAY.tls_der, NOW)


_STRANGER = Ed25519PrivateKey.generate()


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        (4, lambda end: ed25519_certificate(4, 1, raw(RELAY.signing), RELAY.identity, ends=end, name_signer=False)),
        (4, lambda end: ed25519_certificate(5, 1, raw(RELAY.signing), RELAY.identity, ends=end, name_signer=True)),
        (4, lambda end: ed25519_certificate(4, 3, raw(RELAY.signing), RELAY.identity, ends=end, name_signer=True)),
        (4, lambda end: ed25519_certificate(4, 1, raw(RELAY.signing), _STRANGER, ends=end, name_signer=True)),
        (5, lambda end: ed25519_certificate(5, 3, bytes(32), RELAY.signing, ends=end, name_signer=False)),
    ],
)  # fmt: skip
def test_none_can_be_of_another_making(kind: int, make: Callable[[float], bytes]) -> None:
    with pytest.raises(TorError):
        certs.verify(shown(changed={kind: make(NOW + DAY)}), RELAY.tls_der, NOW)


def test_an_rsa_identity_of_another_size_is_none() -> None:
    big = x509_certificate("www.a.net", RELAY.link, "www.a.net", RELAY.link, NOW - DAY, NOW + DAY)
    with pytest.raises(TorError, match="identity key"):
        certs.verify(shown(changed={2: big.public_bytes(Encoding.DER)}), RELAY.tls_der, NOW)


@given(
    st.lists(st.builds(Certificate, st.sampled_from([1, 2, 4, 5, 7]), st.binary(max_size=300)), max_size=6)
)
def test_anything_else_is_refused(entries: list[Certificate]) -> None:
    with pytest.raises(TorError):
        certs.verify(entries, b"", NOW)
