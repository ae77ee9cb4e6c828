"""Which servers this device already talks to: what an unprivileged process can see of a VPN that is up.

Three signs: an address of the profile's own on an interface, a connection that is open to its server, and a route that
leads to its server alone, as VPN programs make one so that the tunnel does not carry itself. Not to be seen without
privileges are the peers of a WireGuard interface, security associations of IPsec, and whom a UDP socket talks to that
was never connected (OpenVPN's): where such a profile has no inside address of its own, nothing shows that it is up.

Parsers are pure; reading is bounded. Elsewhere than on Linux only interface addresses are known.
"""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.net.interface_addresses import interface_addresses
from circumvent.net.interfaces import read_tunnel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: The most that is read of a table of the kernel, in bytes: some 10,000 sockets.
_MOST_BYTES: Final = 2 << 20
_TABLES: Final = ("tcp", "tcp6", "udp", "udp6")
#: include/net/tcp_states.h; a connected UDP socket has the same.
_ESTABLISHED: Final = 0x01
# linux/route.h
_RTF_UP: Final = 0x0001
_RTF_GATEWAY: Final = 0x0002

INSIDE: Final = "its inside address is on this device"
CONNECTED: Final = "a connection to its server is open on this device"
ROUTED: Final = "a route of this device leads to its server alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnUse:
    """What this device was connected to at one moment.

    ``addresses`` are those of its interfaces (loopback left out); ``peers`` the far ends of its connected sockets, as
    address and port; ``routed`` the addresses that a route through a gateway leads to alone, while a tunnel is there.
    """

    addresses: frozenset[str] = frozenset()
    peers: frozenset[tuple[str, int]] = frozenset()
    routed: frozenset[str] = frozenset()

    def of(self, inside: Iterable[str], servers: Iterable[str], ports: Collection[int]) -> str | None:
        """Say what shows that a profile is up here, ``None`` if nothing does.

        ``inside`` are its own addresses in the tunnel (with prefix length or without), ``servers`` the addresses that it
        connects to, at ``ports``.

        >>> OwnUse(addresses=frozenset({"10.7.0.2"})).of(["10.7.0.2/32"], [], [51820])
        'its inside address is on this device'
        """
        if any(_plain(address) in self.addresses for address in inside):
            return INSIDE
        known = {_plain(address) for address in servers}
        if any((address, port) in self.peers for address in known for port in ports):
            return CONNECTED
        return ROUTED if known & self.routed else None


def read_own_use() -> OwnUse:
    """Look at interfaces, sockets and routes of this device, before a packet of ours leaves. Takes some milliseconds."""
    everybody = interface_addresses()
    addresses = {_plain(one) for own in everybody.values() for one in own}
    peers: set[tuple[str, int]] = set()
    routed: set[str] = set()
    if sys.platform == "linux":
        for table in _TABLES:
            peers |= parse_peers(_read(f"/proc/net/{table}"))
        if any(read_tunnel(name) is not None for name in everybody):
            routed = parse_host_routes4(_read("/proc/net/route"))
            routed |= parse_host_routes6(_read("/proc/net/ipv6_route"))
    return OwnUse(
        addresses=frozenset(one for one in addresses if not ipaddress.ip_address(one).is_loopback),
        peers=frozenset(peers),
        routed=frozenset(routed),
    )


def parse_peers(text: str) -> set[tuple[str, int]]:
    """Return the far ends of connected sockets in ``/proc/net/tcp`` or ``udp`` (and those for IPv6).

    Addresses are hexadecimal, 32 bits at a time in host byte order. Lines that can't be read are left out.
    """
    found = set()
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            address, _, port = fields[2].partition(":")
            if int(fields[3], 16) == _ESTABLISHED:
                found.add((_address(address), int(port, 16)))
        except (IndexError, ValueError):
            continue
    return found


def parse_host_routes4(text: str) -> set[str]:
    """Return the addresses in ``/proc/net/route`` to which a route through a gateway leads alone."""
    found = set()
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            flags, mask = int(fields[3], 16), int(fields[7], 16)
            if mask == 0xFFFF_FFFF and flags & _RTF_UP and flags & _RTF_GATEWAY:
                found.add(_address(fields[1]))
        except (IndexError, ValueError):
            continue
    return found


def parse_host_routes6(text: str) -> set[str]:
    """Return the same of ``/proc/net/ipv6_route``, where addresses are written in network byte order."""
    found = set()
    for line in text.splitlines():
        fields = line.split()
        try:
            prefix, flags = int(fields[1], 16), int(fields[8], 16)
            if prefix == 128 and flags & _RTF_UP and flags & _RTF_GATEWAY:
                found.add(str(ipaddress.IPv6Address(bytes.fromhex(fields[0]))))
        except (IndexError, ValueError):
            continue
    return found


def _address(digits: str) -> str:
    raw = bytes.fromhex(digits)
    if len(raw) not in {4, 16}:
        raise ValueError("neither IPv4 nor IPv6")
    if sys.byteorder == "little":
        raw = b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return _plain(str(ipaddress.ip_address(raw)))


def _plain(address: str) -> str:
    """Return an address without prefix length and scope, in its usual form; IPv4 in IPv6 is IPv4."""
    bare = address.partition("/")[0].partition("%")[0]
    try:
        parsed = ipaddress.ip_address(bare)
    except ValueError:
        return bare
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def _read(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MOST_BYTES).decode("ascii", errors="replace")
    except OSError:
        return ""
