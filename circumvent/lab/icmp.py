"""ICMP errors that routers and censors send (RFC 792, RFC 1191, RFC 4443). Pure."""

from __future__ import annotations

import enum
from typing import Final

from circumvent.lab.packet import ICMP, ICMPV6, Packet, build_ip, checksum, pseudo_sum

#: An error quotes so many bytes of what caused it: all that fits in 576 (IPv4) and 1280 bytes (IPv6).
_QUOTED_IPV4: Final = 576 - 20 - 8
_QUOTED_IPV6: Final = 1280 - 40 - 8
_ERRORS_IPV4: Final = frozenset({3, 4, 5, 11, 12})
_FIRST_INFORMATIONAL_IPV6: Final = 128


class Unreachable(enum.Enum):
    """Why a destination cannot be reached."""

    NETWORK = "network"
    HOST = "host"
    PORT = "port"
    PROHIBITED = "prohibited"


#: Codes of ICMP type 3 and of ICMPv6 type 1.
_CODES: Final = {
    Unreachable.NETWORK: (0, 0),
    Unreachable.HOST: (1, 3),
    Unreachable.PORT: (3, 4),
    Unreachable.PROHIBITED: (13, 1),
}


def unreachable(packet: Packet, router: bytes, why: Unreachable) -> bytes:
    """Build "destination unreachable" for ``packet``, from ``router`` (packed, same family)."""
    four, six = _CODES[why]
    return _error(packet, router, (3, four), (1, six), 0)


def time_exceeded(packet: Packet, router: bytes) -> bytes:
    """Build "time to live exceeded in transit"."""
    return _error(packet, router, (11, 0), (3, 0), 0)


def too_big(packet: Packet, router: bytes, mtu: int) -> bytes:
    """Build "fragmentation needed" (IPv4) or "packet too big" (IPv6); ``mtu`` is that of the next hop."""
    return _error(packet, router, (3, 4), (2, 0), mtu)


def is_error(packet: Packet) -> bool:
    """Tell whether ``packet`` is an ICMP error: about those no errors are sent (RFC 1122, section 3.2.2)."""
    if packet.start >= packet.end:
        return False
    kind = packet.raw[packet.start]
    if packet.protocol == ICMP:
        return kind in _ERRORS_IPV4
    return packet.protocol == ICMPV6 and kind < _FIRST_INFORMATIONAL_IPV6


def _error(packet: Packet, router: bytes, four: tuple[int, int], six: tuple[int, int], rest: int) -> bytes:
    if packet.version == 4:
        message = bytes(four) + b"\0\0" + rest.to_bytes(4) + packet.raw[:_QUOTED_IPV4]
        total = checksum(message)
        protocol = ICMP
    else:
        message = bytes(six) + b"\0\0" + rest.to_bytes(4) + packet.raw[:_QUOTED_IPV6]
        total = checksum(message, pseudo_sum(router, packet.source, ICMPV6, len(message)))
        protocol = ICMPV6
    message = message[:2] + total.to_bytes(2) + message[4:]
    return build_ip(router, packet.source, protocol, message, dont_fragment=False)
