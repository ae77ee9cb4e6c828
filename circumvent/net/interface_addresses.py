"""The addresses of this machine's interfaces."""

from __future__ import annotations

import ipaddress
import socket


def interface_addresses() -> dict[str, list[str]]:
    """Return the IP addresses of every interface (without scope)."""
    import psutil  # noqa: PLC0415 - 30 ms that --help need not spend

    wanted = {socket.AF_INET, socket.AF_INET6}
    return {
        name: [entry.address.partition("%")[0] for entry in entries if entry.family in wanted]
        for name, entries in psutil.net_if_addrs().items()
    }


def interface_address(name: str, family: str) -> str | None:
    """Return an address of interface ``name`` to send from (``ipv4`` or ``ipv6``), not a link-local one."""
    version = 6 if family == "ipv6" else 4
    for address in interface_addresses().get(name, ()):
        parsed = ipaddress.ip_address(address)
        if parsed.version == version and not parsed.is_link_local:
            return address
    return None
