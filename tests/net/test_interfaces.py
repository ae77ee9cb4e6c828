"""The line: parsers of what Linux says about routes and interfaces, and a look at this machine."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net import interfaces
from circumvent.net.interfaces import (
    Line,
    Route,
    owner_of,
    parse_routes4,
    parse_routes6,
    read_line,
    tunnel_kind,
)
from circumvent.net.sock import Source

little_endian = pytest.mark.skipif(
    sys.byteorder != "little", reason="the samples are of a little-endian machine"
)
HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
WLAN = "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"


@little_endian
def test_the_default_route_of_ipv4() -> None:
    on_link = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\t0\t0\n"
    assert parse_routes4(HEAD + WLAN + on_link) == [
        Route(interface="wlan0", gateway="192.168.1.1", metric=600)
    ]


@little_endian
def test_two_halves_override_a_default_route_as_openvpn_does_it() -> None:
    halves = (
        "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
        "tun0\t00000080\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
    )
    assert parse_routes4(HEAD + halves + WLAN) == [
        Route(interface="tun0", gateway="10.8.0.1", metric=0),
        Route(interface="wlan0", gateway="192.168.1.1", metric=600),
    ]


def test_routes_that_are_down_or_reject_are_none() -> None:
    assert parse_routes4(WLAN.replace("0003", "0002") + WLAN.replace("0003", "0201")) == []
    assert parse_routes4("ppp0 00000000 00000000 0001 0 0 0 00000000 0 0 0") == [
        Route(interface="ppp0", gateway=None, metric=0)
    ]


def test_the_default_route_of_ipv6() -> None:
    zero = "0" * 32
    rows = (
        f"{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 wlan0\n"
        f"20010db8000000000000000000000000 40 {zero} 00 {zero} 00000100 00000001 00000000 00000001 wlan0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
    )
    assert parse_routes6(rows) == [Route(interface="wlan0", gateway="fe80::1", metric=1024)]


@given(st.text())
def test_any_table_is_read(text: str) -> None:
    parse_routes4(text)
    parse_routes6(text)


numbers = st.integers(min_value=0, max_value=1 << 140).map(lambda number: format(number, "x"))


@given(st.lists(st.lists(numbers, min_size=8, max_size=11), max_size=4))
def test_any_numbers_in_a_table_are_read(rows: list[list[str]]) -> None:
    text = "\n".join(" ".join(row) for row in rows)
    parse_routes4(text)
    parse_routes6(text)


@pytest.mark.parametrize(
    ("name", "uevent", "tun_device", "kind"),
    [
        ("wlan0", "DEVTYPE=wlan\nINTERFACE=wlan0", False, None),
        ("eth0", "", False, None),
        ("home", "DEVTYPE=wireguard\nINTERFACE=home", False, "wireguard"),
        ("wg0", "", False, "wireguard"),
        ("nordlynx", "", False, "wireguard"),
        ("anything", "", True, "tun"),
        ("tun0", "", False, "tun"),
        ("utun4", "", False, "tun"),
        ("tailscale0", "", True, "tun"),
        ("Wintun Userspace Tunnel", "", False, "tun"),
        ("ppp0", "", False, "ppp"),
        ("ipsec0", "", False, "ipsec"),
        ("wlp3s0", "", False, None),
        ("pvpnksintrf0", "", False, None),
        ("wwan0", "DEVTYPE=wwan", False, None),
    ],
)
def test_what_looks_like_a_vpn(name: str, uevent: str, tun_device: bool, kind: str | None) -> None:
    assert tunnel_kind(name, uevent=uevent, tun_device=tun_device) == kind


def test_the_owner_of_an_address() -> None:
    everybody = {"lo": ["127.0.0.1"], "wlan0": ["192.168.1.7", "2001:db8::7"]}
    assert owner_of("2001:db8::7", everybody) == "wlan0"
    assert owner_of("192.0.2.1", everybody) is None
    assert owner_of(None, everybody) is None


def test_a_line_without_routes_is_not_online(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "source_address", lambda _address, _source: None)
    line = read_line()
    assert (line.online, line.interface, line.addresses, line.tunnel) == (False, None, (), None)


def test_a_link_local_source_reaches_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        interfaces, "source_address", lambda address, _: "fe80::7" if ":" in address else "192.168.1.7"
    )
    monkeypatch.setattr(
        interfaces, "interface_addresses", lambda: {"wg0": ["192.168.1.7"], "lo": ["127.0.0.1"]}
    )
    line = read_line()
    assert (line.ipv4, line.ipv6, line.interface, line.tunnel) == (True, False, "wg0", "wireguard")
    assert line.online


def test_this_machine_can_be_looked_at() -> None:
    assert isinstance(read_line(), Line)
    assert read_line(Source(interface="lo")).interface == "lo"
