"""Addresses as data: public or not, and which lie in one network."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.address import family_of, interleave, is_public, network_of


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "9.9.9.9", "2606:4700:4700::1111", "2002:808:808::1", "64:ff9b::808:808"]
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.10.34.36",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2001:db8::1",
        "2002:a00:1::1",
        "fc00::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


def test_what_is_no_address_is_an_error() -> None:
    for function in (is_public, network_of, family_of):
        with pytest.raises(ValueError, match="does not appear"):
            function("example.com")


def test_networks() -> None:
    assert network_of("192.0.2.77") == network_of("::ffff:192.0.2.1") == "192.0.2.0/24"
    assert network_of("2001:db8:1:2::3") == "2001:db8:1::/48"


def test_families_take_turns_with_ipv6_first() -> None:
    assert interleave(["1.1.1.1", "1.0.0.1", "1.2.3.4", "2606::1"]) == [
        "2606::1",
        "1.1.1.1",
        "1.0.0.1",
        "1.2.3.4",
    ]


@given(st.lists(st.ip_addresses().map(str)))
def test_any_addresses_are_ordered_without_loss(addresses: list[str]) -> None:
    ordered = interleave(addresses)
    assert sorted(ordered) == sorted(addresses)
    for address in addresses:
        assert (
            ipaddress.ip_address(address) in ipaddress.ip_network(network_of(address)) or "::ffff:" in address
        )
        is_public(address)
