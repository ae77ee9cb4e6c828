"""What this device is connected to: given these tables of the kernel, expect these servers."""

from __future__ import annotations

import socket
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net import own_use
from circumvent.net.own_use import (
    CONNECTED,
    INSIDE,
    ROUTED,
    OwnUse,
    parse_host_routes4,
    parse_host_routes6,
    parse_peers,
    read_own_use,
)

TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1
   1: 0702A8C0:C350 0A7100CB:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 2
   2: 0702A8C0:C351 0B7100CB:01BB 06 00000000:00000000 00:00000000 00000000  1000        0 3
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 0000000000000000FFFF00000702A8C0:C350 0000000000000000FFFF00000A7100CB:01BB 01 0 0
   1: B80D0120000000000000000001000000:C350 B80D0120000000000000000009000000:04AA 01 0 0
"""
ROUTES4 = """\
Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT
eth0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0
eth0\t0A7100CB\t0102A8C0\t0007\t0\t0\t0\tFFFFFFFF\t0\t0\t0
tun0\t0100080A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0
eth0\t0002A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0
"""
ROUTES6 = """\
20010db8000000000000000000000009 80 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
20010db8000000000000000000000002 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000001 00000000 80200001       lo
"""

little_endian = pytest.mark.skipif(sys.byteorder != "little", reason="the tables were read on such a machine")


@little_endian
def test_open_connections_have_peers_and_listening_or_closing_ones_have_not() -> None:
    assert parse_peers(TCP) == {("203.0.113.10", 443)}
    assert parse_peers(TCP6) == {("203.0.113.10", 443), ("2001:db8::9", 1194)}


@little_endian
def test_a_route_through_the_gateway_to_one_address_is_what_a_vpn_makes() -> None:
    assert parse_host_routes4(ROUTES4) == {"203.0.113.10"}
    assert parse_host_routes6(ROUTES6) == {"2001:db8::9"}


@given(st.text(max_size=300))
def test_whatever_a_table_holds_it_is_read_without_an_error(text: str) -> None:
    for parse in (parse_peers, parse_host_routes4, parse_host_routes6):
        parse("header\n" + text)


def test_the_three_signs() -> None:
    own = OwnUse(
        addresses=frozenset({"10.7.0.2", "fd00::2"}),
        peers=frozenset({("203.0.113.10", 443)}),
        routed=frozenset({"203.0.113.11"}),
    )
    assert own.of(["10.7.0.2/32"], ["198.51.100.1"], [51820]) == INSIDE
    assert own.of(["fd00:0::2/128"], [], [51820]) == INSIDE
    assert own.of(["10.7.0.3/32"], ["203.0.113.10"], [443]) == CONNECTED
    assert own.of([], ["::ffff:203.0.113.10"], [443]) == CONNECTED
    assert own.of([], ["203.0.113.10"], [1194]) is None
    assert own.of([], ["203.0.113.11"], [1194]) == ROUTED
    assert own.of(["not an address"], ["nor this"], [1]) is None


def test_this_device_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        seen = read_own_use()
        if sys.platform == "linux":
            assert ("127.0.0.1", server.getsockname()[1]) in seen.peers
        assert not any(address.startswith("127.") for address in seen.addresses)
    monkeypatch.setattr(
        own_use, "interface_addresses", lambda: {"wg0": ["10.7.0.2", "fe80::1"], "lo": ["::1"]}
    )
    assert read_own_use().addresses == {"10.7.0.2", "fe80::1"}
