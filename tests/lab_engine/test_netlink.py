"""Addresses and routes by netlink: what the kernel does with them."""

from __future__ import annotations

import errno
import os
import socket
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.namespace import any_address_is_ours, inside, new_network, open_tun
from circumvent.lab.netlink import Netlink, RouteType

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.namespace


@pytest.fixture
def netlink() -> Iterator[Netlink]:
    """A new namespace with a device ``t0`` that is down, and a socket in it."""
    network = new_network()
    with inside(network):
        device = open_tun("t0")
        with Netlink() as each:
            yield each
        os.close(device)
    os.close(network)


def source_towards(address: str) -> str | int:
    """The address that a packet would come from, or the error number."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address, 9))
        except OSError as error:
            return error.errno or 0
        return str(probe.getsockname()[0])


@pytest.mark.parametrize(
    ("own", "prefix", "there"), [("10.1.0.1", "10.2.0.0/16", "10.2.3.4"), ("fd01::1", "fd02::/16", "fd02::5")]
)
def test_a_route_comes_and_goes(netlink: Netlink, own: str, prefix: str, there: str) -> None:
    netlink.link_up("t0", mtu=1400, queue=100)
    netlink.add_address("t0", own)
    assert source_towards(there) == errno.ENETUNREACH
    netlink.add_route(prefix, device="t0")
    assert source_towards(there) == own
    netlink.remove_route(prefix, device="t0")
    assert source_towards(there) == errno.ENETUNREACH
    with pytest.raises(ProcessLookupError):
        netlink.remove_route(prefix, device="t0")


@pytest.mark.parametrize("prefix", ["10.9.0.0/16", "fd09::/32"])
def test_a_whole_prefix_may_be_local(netlink: Netlink, prefix: str) -> None:
    netlink.link_up("lo")
    netlink.add_route(prefix, device="lo", kind=RouteType.LOCAL)
    any_address_is_ours()
    address = "10.9.7.7" if "." in prefix else "fd09::7:7"
    family = socket.AF_INET if "." in prefix else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))


def test_errors_of_prefixes(netlink: Netlink) -> None:
    netlink.link_up("lo")
    netlink.add_route("10.3.0.0/16", device=None, kind=RouteType.UNREACHABLE)
    netlink.add_route("10.4.0.0/16", device=None, kind=RouteType.PROHIBIT)
    assert source_towards("10.3.0.1") == errno.EHOSTUNREACH
    assert source_towards("10.4.0.1") == errno.EACCES


def test_no_such_device(netlink: Netlink) -> None:
    with pytest.raises(OSError, match="no interface"):
        netlink.link_up("nothing")
