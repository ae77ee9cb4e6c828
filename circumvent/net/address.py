"""IP addresses as data: which may be contacted, and which belong together. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final

#: How many addresses of one host are being connected to at once in a race between them.
RACERS: Final = 2

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052
_IPV4_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def family_of(address: str) -> str:
    """Return ``ipv4`` or ``ipv6``.

    :raises ValueError: if ``address`` is no IP address.
    """
    return f"ipv{ipaddress.ip_address(address).version}"


def is_public(address: str) -> bool:
    """Tell whether ``address`` is one unicast host of the public internet.

    Addresses that carry an IPv4 address inside (mapped, 6to4, NAT64) are as public as that one: a list from a
    stranger must not reach the reader's own network by a detour.

    :raises ValueError: if ``address`` is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return is_public(str(parsed.ipv4_mapped))
        if parsed in _IPV4_COMPATIBLE or parsed.is_site_local:
            return False
        inside = _embedded(parsed)
        if inside is not None and not is_public(str(inside)):
            return False
    return parsed.is_global and not parsed.is_multicast


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def network_of(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) that ``address`` lies in.

    :raises ValueError: if ``address`` is no IP address.
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return network_of(str(parsed.ipv4_mapped))
        return str(ipaddress.IPv6Network((int(parsed), 48), strict=False))
    return str(ipaddress.IPv4Network((int(parsed), 24), strict=False))


def interleave(addresses: list[str]) -> list[str]:
    """Order addresses for happy eyeballs: IPv6 first, then families in turn (RFC 8305, section 4)."""
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    ordered: list[str] = []
    for index in range(max(len(six), len(four))):
        ordered += six[index : index + 1] + four[index : index + 1]
    return ordered
