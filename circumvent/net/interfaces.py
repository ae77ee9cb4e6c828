"""The line this machine is on: interface, addresses, gateway, families, and whether a VPN holds it already.

The kernel is asked which way packets would go by connecting UDP sockets, which sends nothing; unlike the main
routing table that also sees policy routes, by which ``wg-quick`` works. Parsers are pure; reading is bounded.
"""

from __future__ import annotations

import ipaddress
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.net.interface_addresses import interface_addresses
from circumvent.net.sock import ROUTE_PROBES, Source, source_address

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST_ROUTE_BYTES: Final = 1 << 20
_MOST_SYSFS_BYTES: Final = 4096

# linux/route.h
_RTF_UP: Final = 0x0001
_RTF_REJECT: Final = 0x0200

#: Names that VPN programs give to their interfaces. ``ppp`` may be a DSL modem: only a hint.
_TUNNEL_NAMES: Final = re.compile(
    r"(?P<wireguard>wg|nordlynx|wireguard|proton(?!-ipv6leak)|mullvad)"
    r"|(?P<tun>tun|tap|utun|wintun|openvpn|tailscale|warp|cloudflarewarp|outline|singbox|clash|mihomo)"
    r"|(?P<ipsec>ipsec|xfrm|vti)"
    r"|(?P<ppp>ppp)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A default route: the interface it leaves by and the gateway's address, if it has one."""

    interface: str
    gateway: str | None
    metric: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What this machine is connected by.

    ``ipv4`` and ``ipv6`` tell whether the family has a route to the internet; ``carrier`` whether any interface
    has a link (``None``: unknown); ``tunnel`` names the sort of VPN that holds the route (``wireguard``,
    ``tun``, ``ipsec``, ``ppp``), ``None`` if none does.
    """

    interface: str | None
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    ipv4: bool
    ipv6: bool
    carrier: bool | None
    tunnel: str | None

    @property
    def online(self) -> bool:
        """Tell whether any family has a route."""
        return self.ipv4 or self.ipv6


def read_line(source: Source | None = None) -> Line:
    """Look at the line that packets leave by (through ``source``, if given). Takes about a millisecond."""
    own = {family: _usable(source_address(probe, source)) for family, probe in ROUTE_PROBES.items()}
    everybody = interface_addresses()
    name = source.interface if source is not None and source.interface is not None else None
    if name is None:
        name = owner_of(next((address for address in own.values() if address), None), everybody)
    routes = [route for route in read_default_routes() if name is None or route.interface == name]
    routes.sort(key=lambda route: route.metric)
    return Line(
        interface=name,
        addresses=tuple(everybody.get(name, ())) if name is not None else (),
        gateways=tuple(dict.fromkeys(route.gateway for route in routes if route.gateway is not None)),
        ipv4=own["ipv4"] is not None,
        ipv6=own["ipv6"] is not None,
        carrier=read_carrier(),
        tunnel=None if name is None else read_tunnel(name),
    )


def _usable(address: str | None) -> str | None:
    """Leave out sources from which nothing on the internet would be answered."""
    if address is None:
        return None
    parsed = ipaddress.ip_address(address)
    return None if parsed.is_link_local or parsed.is_loopback or parsed.is_unspecified else address


def owner_of(address: str | None, everybody: dict[str, list[str]]) -> str | None:
    """Return the interface that has ``address``."""
    return next((name for name, addresses in everybody.items() if address in addresses), None)


def read_carrier() -> bool | None:
    """Tell whether any interface but loopback has a link."""
    import psutil  # noqa: PLC0415 - 30 ms that --help need not spend

    states = psutil.net_if_stats()
    return any(state.isup for name, state in states.items() if not _is_loopback(name)) if states else None


def _is_loopback(name: str) -> bool:
    return name in {"lo", "lo0"} or name.startswith("Loopback")


def read_default_routes() -> list[Route]:
    """Read default routes of both families (Linux; elsewhere nothing is known)."""
    if sys.platform != "linux":
        return []
    return parse_routes4(_read("/proc/net/route", _MOST_ROUTE_BYTES)) + parse_routes6(
        _read("/proc/net/ipv6_route", _MOST_ROUTE_BYTES)
    )


def read_tunnel(name: str) -> str | None:
    """Tell what sort of VPN interface ``name`` is, ``None`` if it looks like none."""
    if sys.platform != "linux" or "/" in name:
        return tunnel_kind(name)
    folder = f"/sys/class/net/{name}"
    return tunnel_kind(
        name,
        uevent=_read(f"{folder}/uevent", _MOST_SYSFS_BYTES),
        tun_device=Path(folder, "tun_flags").exists(),
    )


def tunnel_kind(name: str, *, uevent: str = "", tun_device: bool = False) -> str | None:
    """Tell the sort of VPN from what the kernel says of an interface, else from its name."""
    if "DEVTYPE=wireguard" in uevent.splitlines():
        return "wireguard"
    if tun_device:
        return "tun"
    match = _TUNNEL_NAMES.match(name)
    return None if match is None else match.lastgroup


def parse_routes4(text: str) -> list[Route]:
    """Return the default routes in ``/proc/net/route``: addresses are hexadecimal, in host byte order.

    Lines that can't be read are left out. Two halves (0.0.0.0/1 and 128.0.0.0/1), by which OpenVPN overrides a
    default route without touching it, count as one.
    """
    routes = []
    for fields in _rows(text, 8):
        try:
            destination, gateway, flags, mask = (int(fields[place], 16) for place in (1, 2, 3, 7))
            metric = int(fields[6])
        except ValueError:
            continue
        if not flags & _RTF_UP or flags & _RTF_REJECT or max(destination, gateway, mask) > 0xFFFF_FFFF:
            continue
        if destination == 0 and mask in {0, int.from_bytes(b"\x80\0\0\0", sys.byteorder)}:
            routes.append(Route(interface=fields[0], gateway=_ipv4(gateway), metric=metric))
    return routes


def parse_routes6(text: str) -> list[Route]:
    """Return the default routes in ``/proc/net/ipv6_route``: addresses are 32 hexadecimal digits."""
    routes = []
    for fields in _rows(text, 10):
        try:
            destination, prefix, gateway = int(fields[0], 16), int(fields[1], 16), int(fields[4], 16)
            metric, flags = int(fields[5], 16), int(fields[8], 16)
        except ValueError:
            continue
        usable = flags & _RTF_UP and not flags & _RTF_REJECT and fields[9] != "lo"
        if usable and destination == 0 and prefix == 0 and 0 <= gateway < 1 << 128:
            address = str(ipaddress.IPv6Address(gateway)) if gateway else None
            routes.append(Route(interface=fields[9], gateway=address, metric=metric))
    return routes


def _rows(text: str, least: int) -> Iterable[list[str]]:
    return (fields for line in text.splitlines() if len(fields := line.split()) >= least)


def _ipv4(number: int) -> str | None:
    return str(ipaddress.IPv4Address(number.to_bytes(4, sys.byteorder))) if number else None


def _read(path: str, most: int) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(most).decode("utf-8", errors="replace")
    except OSError:
        return ""
