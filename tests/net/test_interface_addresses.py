"""The addresses of interfaces."""

from __future__ import annotations

from circumvent.net.interface_addresses import interface_address, interface_addresses


def test_an_interface_has_an_address_of_each_family_or_not() -> None:
    assert interface_address("lo", "ipv4") == "127.0.0.1"
    assert interface_address("none0", "ipv4") is None


def test_the_loopback_is_there() -> None:
    assert "127.0.0.1" in interface_addresses()["lo"]
