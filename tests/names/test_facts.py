"""The facts of the package load, and say what they must."""

from __future__ import annotations

import ipaddress
import tomllib
from importlib import resources
from typing import Any

import pytest

from circumvent.names.facts import load


@pytest.mark.parametrize("address", ["10.10.34.34", "127.0.0.1", "192.0.2.1", "::1", "fe80::1", "240.0.0.1"])
def test_addresses_that_no_public_name_has(address: str) -> None:
    assert load().bogon(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "193.0.14.129", "2001:7fd::1", "157.240.0.35"])
def test_addresses_that_a_public_name_may_have(address: str) -> None:
    assert not load().bogon(ipaddress.ip_address(address))


def test_known_injections_are_no_controls() -> None:
    facts = load()
    assert ipaddress.ip_address("10.10.34.36") in facts.injected
    for control in facts.controls:
        assert not facts.injected & set(map(ipaddress.ip_address, control.addresses))


def test_no_injected_answer_is_an_owners_own() -> None:
    facts = load()
    for owner in facts.owners.values():
        assert not any(owner.has(address) for address in facts.injected)


def test_resolvers_for_tunnels_are_those_of_the_catalogue() -> None:
    text = resources.files("circumvent.catalog").joinpath("data", "resolvers.toml").read_text("utf-8")
    known: dict[str, Any] = {}
    for row in tomllib.loads(text)["resolver"]:
        if row.get("large") and "plain" in row and not row.get("filtering"):
            known.setdefault(row["operator"], row)
    expected = [
        (row["plain"], next(address for address in row["addresses"] if ":" in address))
        for row in known.values()
    ]
    assert list(load().resolvers) == expected
