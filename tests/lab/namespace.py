"""The network in which the tests run: a namespace of their own, with no way out.

:func:`enter` moves the whole process into a new user, network and mount namespace. It needs no root and no
program. What it builds inside::

    lo     127.0.0.0/8, ::1, the servers' addresses, and a few well-known resolver addresses
    drop0  a TUN device that nobody reads: packets to DROPPED prefixes vanish
    -      UNREACHABLE and PROHIBITED prefixes: the kernel answers with an error
    (no default route: every other address is ENETUNREACH)

A packet to a public address cannot leave, whatever a test does, because the namespace has no device that leads
anywhere. Where the kernel refuses (:func:`enter` returns the reason) :func:`forbid_public` watches this process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from circumvent.lab.namespace import (
    CAP_NET_ADMIN,
    CAP_SYS_ADMIN,
    CLONE_NEWNET,
    CLONE_NEWNS,
    MS_BIND,
    MS_PRIVATE_RECURSIVE,
    Refused,
    enter_user_namespace,
    furnish_network,
    keep_capabilities,
    mount,
    open_tun,
    unshare,
)
from circumvent.lab.netlink import Netlink, RouteType

#: Addresses of the servers of the laboratory (documentation ranges, RFC 5737 and RFC 3849).
SERVERS_IPV4: Final = (
    *(f"198.51.100.{number}" for number in range(10, 61)),
    *(f"198.51.102.{number}" for number in range(10, 61)),
)
SERVERS_IPV6: Final = tuple(f"2001:db8:100::{number}" for number in range(10, 61))
#: Addresses that look public; inside the namespace they are ours.
WELL_KNOWN: Final = (
    "1.1.1.1",
    "1.0.0.1",
    "8.8.8.8",
    "8.8.4.4",
    "9.9.9.9",
    "149.112.112.112",
    "2606:4700:4700::1111",
    "2001:4860:4860::8888",
    "2620:fe::fe",
)
#: The client's own addresses, on ``drop0``.
CLIENT: Final = ("10.77.0.2", "fd77::2")
DROPPED: Final = ("192.0.2.0/24", "2001:db8:dead::/48")
UNREACHABLE: Final = ("203.0.113.0/25", "2001:db8:bad::/48")
PROHIBITED: Final = ("203.0.113.128/25", "2001:db8:f0b::/48")
DROP_DEVICE: Final = "drop0"
#: Devices that lead to a server in a network of its own.
INNER_PREFIX: Final = "inner"

#: What /etc/resolv.conf says inside the namespace: the laboratory's resolver, 198.51.100.10.
_RESOLV_CONF: Final = Path(__file__).with_name("resolv.conf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The network of the running tests; ``isolated`` is ``None``, or why there is no namespace."""

    isolated: str | None
    servers_ipv4: tuple[str, ...] = SERVERS_IPV4
    servers_ipv6: tuple[str, ...] = SERVERS_IPV6
    client: tuple[str, ...] = CLIENT
    drop_device: str = DROP_DEVICE
    #: One address of each prefix: (IPv4, IPv6).
    dropped: tuple[str, str] = ("192.0.2.1", "2001:db8:dead::1")
    unreachable: tuple[str, str] = ("203.0.113.1", "2001:db8:bad::1")
    prohibited: tuple[str, str] = ("203.0.113.129", "2001:db8:f0b::1")

    def add_default_route(self) -> None:
        """Route everything unknown into the device that nobody reads."""
        with Netlink() as netlink:
            netlink.add_route("0.0.0.0/0", device=DROP_DEVICE)
            netlink.add_route("::/0", device=DROP_DEVICE)

    def remove_default_route(self) -> None:
        """Undo :meth:`add_default_route`."""
        with Netlink() as netlink:
            netlink.remove_route("0.0.0.0/0", device=DROP_DEVICE)
            netlink.remove_route("::/0", device=DROP_DEVICE)


def enter() -> str | None:
    """Move this process into its own namespace; return ``None``, or the reason why that cannot be done.

    Tried in a child first, so that a refusal half way leaves this process as it was.
    """
    if not sys.platform.startswith("linux"):
        return f"{sys.platform} has no network namespaces"
    if threading.active_count() > 1:
        return "a thread is running already, and unshare(2) wants a process without threads"
    reason = _rehearse()
    if reason is None:
        _build()
        check_isolated()
    return reason


def check_isolated() -> None:
    """Fail unless every network device is one that this module made.

    :raises RuntimeError: when there is a device that could lead out.
    """
    strangers = {name for _, name in socket.if_nameindex()} - {"lo", DROP_DEVICE}
    # Their other ends are in networks that have nothing else (tests/lab/inner.py).
    strangers -= {name for name in strangers if name.startswith(INNER_PREFIX)}
    # These fall-back tunnel devices appear in every namespace where their module is loaded; they are down.
    strangers -= {"sit0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"}
    if strangers:
        raise RuntimeError(f"the test namespace has devices that it should not have: {sorted(strangers)}")


def forbid_public() -> None:
    """Without a namespace: raise wherever this process would send to an address that is not on loopback."""

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event not in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            return
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
        if isinstance(host, str) and not _is_loopback(host):
            raise PermissionError(f"a test tried to send to {host}, and there is no namespace to hold it")

    sys.addaudithook(watch)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host == "localhost"
    return address.is_loopback or address.is_unspecified


def _rehearse() -> str | None:
    """Build the namespace in a child that ends at once; return the reason of a refusal."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            _build()
        except (Refused, OSError) as error:
            os.write(writing, str(error).encode()[:1000])
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        reason = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if status:
        return reason or f"the attempt ended with wait status {status}"
    return reason or None


def _build() -> None:
    """Enter the namespaces and furnish them.

    :raises Refused: when the kernel says no.
    :raises OSError: likewise.
    """
    enter_user_namespace()
    unshare(CLONE_NEWNET | CLONE_NEWNS)
    _furnish_files()
    furnish_network()
    open_tun(DROP_DEVICE)  # never read, never closed
    _furnish()
    keep_capabilities(CAP_NET_ADMIN, CAP_SYS_ADMIN)


def _furnish() -> None:
    with Netlink() as netlink:
        netlink.link_up("lo")
        netlink.link_up(DROP_DEVICE)
        for address in (*SERVERS_IPV4, *SERVERS_IPV6, *WELL_KNOWN):
            netlink.add_address("lo", address)
        for address in CLIENT:
            netlink.add_address(DROP_DEVICE, address)
        for prefix in DROPPED:
            netlink.add_route(prefix, device=DROP_DEVICE)
        for prefix in UNREACHABLE:
            netlink.add_route(prefix, device=None, kind=RouteType.UNREACHABLE)
        for prefix in PROHIBITED:
            netlink.add_route(prefix, device=None, kind=RouteType.PROHIBIT)


def _furnish_files() -> None:
    """In this mount namespace only: the laboratory's ``resolv.conf``, and shared memory that no other run sees."""
    mount("none", "/", MS_PRIVATE_RECURSIVE)
    if Path("/dev/shm").is_dir():  # squid keeps segments of fixed names there
        mount("tmpfs", "/dev/shm", 0, kind="tmpfs")
    target = Path("/etc/resolv.conf")
    if target.exists():
        mount(str(_RESOLV_CONF), str(target.resolve()), MS_BIND)
