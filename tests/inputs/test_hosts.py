"""Hosts and ports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.COM.", "example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("_dns.example", "_dns.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_hosts_in_one_form(text: str, host: str) -> None:
    assert clean_host(text) == host


@pytest.mark.parametrize(
    "text", ["", ".", "-a.example", "a-.example", "a b", "[::1", "[1.2.3.4]", "fe80::1%eth0", "1.2.3"]
)
def test_what_is_no_host(text: str) -> None:
    with pytest.raises(LineError):
        clean_host(text)


@given(st.text(max_size=80))
def test_a_clean_host_stays_as_it_is(text: str) -> None:
    try:
        host = clean_host(text)
    except LineError:
        return
    assert clean_host(f"[{host}]" if ":" in host else host) == host


@given(st.text(max_size=12))
def test_ports(text: str) -> None:
    try:
        port = parse_port(text)
    except LineError:
        return
    assert 1 <= port <= 65535
