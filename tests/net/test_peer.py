"""What a peer presented becomes facts: short, harmless, and never an exception."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.peer import LONGEST_TEXT, Peer, first_bytes_kind, os_trusts, server_hello_version
from tests.net.certificates import issue


def test_facts_of_a_chain() -> None:
    root = issue("root", ca=True)
    leaf = issue("leaf", root)
    facts = Peer(chain=(leaf.der, root.der), version="TLSv1.3", cipher="X", alpn="h2", ja4="t").summary()
    assert facts["subject"] == "leaf"
    assert facts["issuer"] == facts["top_issuer"] == "root"
    assert facts["not_after"] == "2027-02-10T12:00:00Z"
    assert (facts["chain_length"], facts["alpn"]) == (2, "h2")


def test_what_is_unknown_is_absent() -> None:
    assert Peer().summary() == {}


@given(st.text(min_size=1, max_size=60), st.text(max_size=300))
def test_text_is_harmless(common_name: str, alpn: str) -> None:
    try:
        der = issue(common_name).der
    except ValueError:  # not every text can be a name
        return
    facts = Peer(chain=(der,), alpn=alpn).summary()
    for key in ("subject", "alpn"):
        value = facts[key]
        assert isinstance(value, str)
        assert len(value) <= LONGEST_TEXT
        assert not set(value) & set("\x00\x07\x1b\x7f\x9b\r\n\u202e")


@given(st.lists(st.binary(max_size=200), max_size=3))
def test_garbage_in_place_of_certificates(chain: list[bytes]) -> None:
    facts = Peer(chain=tuple(chain)).summary()
    assert "subject" not in facts
    assert os_trusts(chain) in (False, None)


@given(st.binary(max_size=64))
def test_first_bytes_always_have_a_kind(first: bytes) -> None:
    assert (first_bytes_kind(first) is None) is (first == b"")
    server_hello_version(first)


@pytest.mark.parametrize(
    ("first", "version"),
    [
        (b"\x16\x03\x03\x00\x40\x02\x00\x00\x3c\x03\x03", "TLSv1.2"),
        (b"\x16\x03\x01\x00\x40\x02\x00\x00\x3c\x03\x02", "TLSv1.1"),
        (b"\x16\x03\x01\x00\x40\x02\x00\x00\x3c\x03\x09", ""),
        (b"\x16\x03\x03\x00\x40\x0b\x00\x00\x3c\x03\x03", ""),
        (b"\x16\x03\x03", ""),
    ],
)
def test_the_version_of_a_server_hello(first: bytes, version: str) -> None:
    assert server_hello_version(first) == version
