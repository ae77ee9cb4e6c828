"""IP packets of our own making, for the inside of a tunnel: UDP and ICMP echo, built and read. Pure.

IPv4 (RFC 791), IPv6 (RFC 8200), UDP (RFC 768), ICMP (RFC 792, RFC 1191), ICMPv6 (RFC 4443). What is built may not be
fragmented on the way. What is read comes from a stranger: lengths and checksums must hold, fragments and everything
that nobody here has asked for are a :class:`PacketError`. Addresses are packed: 4 or 16 bytes.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from enum import Enum
from typing import Final

#: Protocol numbers (IANA).
ICMP: Final = 1
UDP: Final = 17
ICMPV6: Final = 58

IPV4_HEADER: Final = 20
IPV6_HEADER: Final = 40
UDP_HEADER: Final = 8
ICMP_HEADER: Final = 8
HOP_LIMIT: Final = 64

_DONT_FRAGMENT: Final = 0x4000
_FRAGMENT: Final = 0x3FFF  # "more follow" and the offset
#: Hop-by-hop, routing and destination options, which may stand before what is carried (RFC 8200, section 4).
_EXTENSIONS: Final = frozenset({0, 43, 60})
_MOST_EXTENSIONS: Final = 4
_ECHO: Final = {4: (8, 0), 6: (128, 129)}  # request, reply
_UNREACHABLE: Final = {4: 3, 6: 1}
_TIME_EXCEEDED: Final = {4: 11, 6: 3}
_TOO_BIG_CODE: Final = 4  # of an IPv4 "unreachable" (RFC 1191)
_TOO_BIG_TYPE: Final = 2  # of ICMPv6
_PORT_CODE: Final = {4: 3, 6: 4}


class PacketError(ValueError):
    """The bytes are no packet that was asked for."""


@dataclass(frozen=True, slots=True)
class Udp:
    """A UDP datagram."""

    source: bytes
    destination: bytes
    source_port: int
    destination_port: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Echo:
    """An ICMP echo: a request, or the ``reply`` to one."""

    source: bytes
    destination: bytes
    identifier: int
    sequence: int
    data: bytes
    reply: bool = False


class Trouble(Enum):
    """What an ICMP error says."""

    PORT_UNREACHABLE = "port unreachable"
    UNREACHABLE = "unreachable"
    TOO_BIG = "too big"
    TIME_EXCEEDED = "time exceeded"


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP error about a packet of ours.

    ``about`` and ``protocol`` are where that packet went and what it carried; ``first`` and ``second`` are its ports,
    or identifier and sequence number. ``mtu`` is what would have fitted, if that was said.
    """

    source: bytes
    destination: bytes
    trouble: Trouble
    about: bytes
    protocol: int
    first: int
    second: int
    mtu: int | None = None


def packed(address: str) -> bytes:
    """Return an address in its 4 or 16 bytes.

    :raises ValueError: if it is none.

    >>> packed("192.0.2.1").hex()
    'c0000201'
    """
    return ipaddress.ip_address(address).packed


def checksum(data: bytes, initial: int = 0) -> int:
    """Return the internet checksum (RFC 1071) of ``data``, and of a number that was summed before.

    65536 leaves 1 when divided by 65535, so the sum of all words with its carries is one remainder.
    """
    if len(data) % 2:
        data += b"\0"
    total = int.from_bytes(data) + initial
    folded = total % 0xFFFF
    return 0xFFFF - folded if folded or not total else 0


def build(packet: Udp | Echo) -> bytes:
    """Return the IP packet.

    :raises PacketError: when its addresses are of two families, or it is too long.
    """
    if len(packet.source) != len(packet.destination) or len(packet.source) not in {4, 16}:
        raise PacketError("the addresses are not of one family")
    if len(packet.data) > 0xFFFF - IPV4_HEADER - UDP_HEADER:
        raise PacketError("too long for one packet")
    six = len(packet.source) == 16
    if isinstance(packet, Udp):
        return _ip(packet.source, packet.destination, UDP, _udp(packet))
    protocol = ICMPV6 if six else ICMP
    kind = _ECHO[6 if six else 4][packet.reply]
    body = struct.pack("!BBHHH", kind, 0, 0, packet.identifier, packet.sequence) + packet.data
    before = _pseudo(packet.source, packet.destination, ICMPV6, len(body)) if six else 0
    body = body[:2] + checksum(body, before).to_bytes(2) + body[4:]
    return _ip(packet.source, packet.destination, protocol, body)


def _udp(packet: Udp) -> bytes:
    length = UDP_HEADER + len(packet.data)
    head = struct.pack("!HHH", packet.source_port, packet.destination_port, length)
    before = _pseudo(packet.source, packet.destination, UDP, length)
    # A sum of 0 means "none" in UDP, so that 0 itself is sent as all ones.
    total = checksum(head + b"\0\0" + packet.data, before) or 0xFFFF
    return head + total.to_bytes(2) + packet.data


def _ip(source: bytes, destination: bytes, protocol: int, body: bytes) -> bytes:
    if len(source) == 16:
        head = struct.pack("!IHBB", 6 << 28, len(body), protocol, HOP_LIMIT)
        return head + source + destination + body
    length = IPV4_HEADER + len(body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, _DONT_FRAGMENT, HOP_LIMIT, protocol, 0)
    total = checksum(head + source + destination)
    return head[:10] + total.to_bytes(2) + source + destination + body


def _pseudo(source: bytes, destination: bytes, protocol: int, length: int) -> int:
    """Return the pseudo header of UDP and ICMPv6 as a summand (RFC 768; RFC 8200, section 8.1)."""
    return int.from_bytes(source + destination) + protocol + length


def parse(raw: bytes) -> Udp | Echo | IcmpError:
    """Read a packet; bytes behind its stated length are padding.

    :raises PacketError: for anything that is not a whole and right packet of UDP, ICMP echo or an ICMP error.
    """
    source, destination, protocol, body = _take_ip(raw)
    if protocol == UDP:
        return _take_udp(source, destination, body)
    version = 6 if len(source) == 16 else 4
    if protocol != (ICMPV6 if version == 6 else ICMP) or len(body) < ICMP_HEADER:
        raise PacketError("neither UDP nor ICMP")
    before = _pseudo(source, destination, ICMPV6, len(body)) if version == 6 else 0
    if checksum(body, before):
        raise PacketError("the checksum of ICMP is wrong")
    kind, code, _, first, second = struct.unpack_from("!BBHHH", body)
    if kind in _ECHO[version]:
        return Echo(source, destination, first, second, body[ICMP_HEADER:], reply=kind == _ECHO[version][1])
    return _take_error(source, destination, version, (kind, code), first << 16 | second, body[ICMP_HEADER:])


def _take_ip(raw: bytes, *, whole: bool = True) -> tuple[bytes, bytes, int, bytes]:
    """Return source, destination, protocol and body. A quoted packet need not be ``whole``."""
    version = raw[0] >> 4 if raw else 0
    if version == 4 and len(raw) >= IPV4_HEADER:
        start, end = (raw[0] & 15) * 4, int.from_bytes(raw[2:4])
        if start < IPV4_HEADER or end < start or (whole and end > len(raw)):
            raise PacketError("the lengths of the IPv4 header are wrong")
        if int.from_bytes(raw[6:8]) & _FRAGMENT:
            raise PacketError("a fragment")
        if whole and checksum(raw[:start]):
            raise PacketError("the checksum of the IPv4 header is wrong")
        return raw[12:16], raw[16:20], raw[9], raw[start:end]
    if version == 6 and len(raw) >= IPV6_HEADER:
        end = IPV6_HEADER + int.from_bytes(raw[4:6])
        if whole and end > len(raw):
            raise PacketError("the length of the IPv6 packet is wrong")
        protocol, start = _skip_extensions(raw[:end])
        return raw[8:24], raw[24:40], protocol, raw[start:end]
    raise PacketError("no IP packet")


def _skip_extensions(raw: bytes) -> tuple[int, int]:
    protocol, start = raw[6], IPV6_HEADER
    for _ in range(_MOST_EXTENSIONS):
        if protocol not in _EXTENSIONS:
            break
        if start + 2 > len(raw):
            raise PacketError("an extension header is not whole")
        protocol, start = raw[start], start + (raw[start + 1] + 1) * 8
    return protocol, start


def _take_udp(source: bytes, destination: bytes, body: bytes) -> Udp:
    if len(body) < UDP_HEADER:
        raise PacketError("the UDP header is not whole")
    source_port, destination_port, length, stated = struct.unpack_from("!HHHH", body)
    if not UDP_HEADER <= length <= len(body):
        raise PacketError("the UDP length is wrong")
    body = body[:length]
    # Only IPv4 may leave the checksum out (RFC 8200, section 8.1).
    if (stated or len(source) == 16) and checksum(body, _pseudo(source, destination, UDP, length)):
        raise PacketError("the UDP checksum is wrong")
    return Udp(source, destination, source_port, destination_port, body[UDP_HEADER:])


def _take_error(
    source: bytes, destination: bytes, version: int, said: tuple[int, int], rest: int, quoted: bytes
) -> IcmpError:
    kind, code = said
    mtu = None
    if (version, kind) == (6, _TOO_BIG_TYPE) or (version, *said) == (4, _UNREACHABLE[4], _TOO_BIG_CODE):
        trouble = Trouble.TOO_BIG
        mtu = (rest & 0xFFFF if version == 4 else rest) or None
    elif kind == _UNREACHABLE[version]:
        trouble = Trouble.PORT_UNREACHABLE if code == _PORT_CODE[version] else Trouble.UNREACHABLE
    elif kind == _TIME_EXCEEDED[version]:
        trouble = Trouble.TIME_EXCEEDED
    else:
        raise PacketError("an ICMP message that nobody asked for")
    _, about, protocol, body = _take_ip(quoted, whole=False)
    first = second = 0
    if protocol == UDP and len(body) >= 4:
        first, second = struct.unpack_from("!HH", body)
    elif protocol in {ICMP, ICMPV6} and len(body) >= ICMP_HEADER:
        first, second = struct.unpack_from("!HH", body, 4)
    return IcmpError(source, destination, trouble, about, protocol, first, second, mtu)
