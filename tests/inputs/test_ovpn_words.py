"""Words of profiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.ovpn_words import address, data_ciphers, openssl_ciphers


@pytest.mark.parametrize(
    ("given_name", "openssl"),
    [
        ("TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("TLS-DHE-RSA-WITH-AES-128-CBC-SHA", "DHE-RSA-AES128-SHA"),
        ("TLS-RSA-WITH-AES-256-CBC-SHA256", "AES256-SHA256"),
        ("TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("DEFAULT:!EXP:!PSK", "DEFAULT:!EXP:!PSK"),
    ],
)
def test_names_of_ciphers(given_name: str, openssl: str) -> None:
    assert openssl_ciphers(given_name) == openssl


def test_addresses() -> None:
    assert address("2001:DB8::1") == "2001:db8::1"
    assert address("dns.example") is None
    assert openssl_ciphers(None) is None


@given(st.text("AES-256:?GCM", max_size=40), st.none() | st.text("BF-CBC", max_size=10))
def test_ciphers_are_listed_once(listed: str, own: str | None) -> None:
    values = {"data-ciphers": listed} | ({} if own is None else {"cipher": own})
    ciphers, fallback = data_ciphers(values)
    assert len(set(ciphers)) == len(ciphers)
    assert fallback == own
