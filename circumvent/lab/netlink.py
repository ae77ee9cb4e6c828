"""Addresses and routes by rtnetlink (RFC 3549), so that the laboratory needs no ``ip`` program.

Only the requests that it makes: bring a link up, add an address, add a route, remove a route.
Constants and structures are those of ``linux/rtnetlink.h``, ``if_link.h`` and ``if_addr.h``.
"""

from __future__ import annotations

import enum
import os
import socket
import struct
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

_NLMSG_ERROR: Final = 2
_RTM_NEWLINK: Final = 16
_RTM_NEWADDR: Final = 20
_RTM_NEWROUTE: Final = 24
_RTM_DELROUTE: Final = 25
_REQUEST_ACK: Final = 0x001 | 0x004
_CREATE_REPLACE: Final = 0x400 | 0x100

_IFF_UP: Final = 1
_IFA_LOCAL: Final = 2
_IFA_ADDRESS: Final = 1
_IFA_FLAG_NODAD: Final = 0x02  # an address is usable at once, without duplicate address detection
_IFLA_MTU: Final = 4
_IFLA_TXQLEN: Final = 13
_RTA_DST: Final = 1
_RTA_OIF: Final = 4
_RTA_GATEWAY: Final = 5
_RTA_PRIORITY: Final = 6
_ON_LINK: Final = 4  # RTNH_F_ONLINK: the gateway is behind the device, whatever the routes say

_TABLE_MAIN: Final = 254
_TABLE_LOCAL: Final = 255
_PROTOCOL_STATIC: Final = 4
_SCOPE_UNIVERSE: Final = 0
_SCOPE_LINK: Final = 253
_SCOPE_HOST: Final = 254


class RouteType(enum.IntEnum):
    """What the kernel does with a packet to the prefix."""

    UNICAST = 1
    LOCAL = 2  # every address of the prefix is this host's
    BLACKHOLE = 6  # nothing, and nobody is told
    UNREACHABLE = 7  # EHOSTUNREACH
    PROHIBIT = 8  # EACCES


def _attribute(kind: int, value: bytes) -> bytes:
    length = 4 + len(value)
    return struct.pack("=HH", length, kind) + value + bytes(-length % 4)


def _family(address: IPv4Address | IPv6Address | IPv4Network | IPv6Network) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


class Netlink:
    """One rtnetlink socket of the network namespace in which it was opened. A context manager."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.bind((0, 0))
        self._sequence = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def link_up(self, name: str, *, mtu: int | None = None, queue: int | None = None) -> None:
        """Bring the interface up, with an MTU in bytes and a queue in packets if they are given.

        :raises OSError: as the kernel answered.
        """
        header = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(name), _IFF_UP, _IFF_UP)
        attributes = b"" if mtu is None else _attribute(_IFLA_MTU, struct.pack("=I", mtu))
        attributes += b"" if queue is None else _attribute(_IFLA_TXQLEN, struct.pack("=I", queue))
        self._ask(_RTM_NEWLINK, 0, header + attributes)

    def add_address(self, name: str, address: str) -> None:
        """Give the interface a host address (/32 or /128).

        :raises OSError: as the kernel answered.
        """
        parsed = ip_address(address)
        header = struct.pack(
            "=BBBBI",
            _family(parsed),
            parsed.max_prefixlen,
            _IFA_FLAG_NODAD,
            _SCOPE_UNIVERSE,
            socket.if_nametoindex(name),
        )
        attributes = _attribute(_IFA_LOCAL, parsed.packed) + _attribute(_IFA_ADDRESS, parsed.packed)
        self._ask(_RTM_NEWADDR, _CREATE_REPLACE, header + attributes)

    def add_route(
        self,
        prefix: str,
        *,
        device: str | None,
        kind: RouteType = RouteType.UNICAST,
        gateway: str | None = None,
        metric: int = 0,
    ) -> None:
        """Route a prefix into a device, perhaps to a gateway behind it, or into an error; a lower ``metric`` goes first.

        :raises OSError: as the kernel answered.
        """
        self._ask(_RTM_NEWROUTE, _CREATE_REPLACE, _route(prefix, device, kind, gateway, metric))

    def remove_route(self, prefix: str, *, device: str | None, kind: RouteType = RouteType.UNICAST) -> None:
        """Take a route away again.

        :raises OSError: as the kernel answered, ESRCH when there is none.
        """
        self._ask(_RTM_DELROUTE, 0, _route(prefix, device, kind))

    def _ask(self, kind: int, flags: int, payload: bytes) -> None:
        self._sequence += 1
        length = 16 + len(payload)
        header = struct.pack("=IHHII", length, kind, _REQUEST_ACK | flags, self._sequence, 0)
        self._socket.send(header + payload)
        answer = self._socket.recv(65536)
        (answered,) = struct.unpack_from("=H", answer, 4)
        if answered != _NLMSG_ERROR:
            raise OSError(f"netlink answered with message type {answered}")
        (code,) = struct.unpack_from("=i", answer, 16)
        if code:
            raise OSError(-code, os.strerror(-code))


def _route(
    prefix: str, device: str | None, kind: RouteType, gateway: str | None = None, metric: int = 0
) -> bytes:
    network = ip_network(prefix)
    header = struct.pack(
        "=BBBBBBBBI",
        _family(network),
        network.prefixlen,
        0,
        0,
        _TABLE_LOCAL if kind is RouteType.LOCAL else _TABLE_MAIN,
        _PROTOCOL_STATIC,
        _SCOPE_UNIVERSE if gateway is not None else _scope(device, network, kind),
        kind,
        0 if gateway is None else _ON_LINK,
    )
    attributes = _attribute(_RTA_DST, network.network_address.packed) if network.prefixlen else b""
    if device is not None:
        attributes += _attribute(_RTA_OIF, struct.pack("=I", socket.if_nametoindex(device)))
    if metric:
        attributes += _attribute(_RTA_PRIORITY, struct.pack("=I", metric))
    if gateway is not None:
        attributes += _attribute(_RTA_GATEWAY, ip_address(gateway).packed)
    return header + attributes


def _scope(device: str | None, network: IPv4Network | IPv6Network, kind: RouteType) -> int:
    if device is None or network.version == 6:
        return _SCOPE_UNIVERSE
    return _SCOPE_HOST if kind is RouteType.LOCAL else _SCOPE_LINK
