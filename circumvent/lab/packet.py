"""IP packets taken apart and put together. Pure functions over bytes.

IPv4 (RFC 791), IPv6 with extension headers (RFC 8200), TCP (RFC 9293), UDP (RFC 768); ICMP is in
:mod:`circumvent.lab.icmp`, fragments are in :mod:`circumvent.lab.fragments`.

A :class:`Packet` is a frozen view: the bytes as they came, and where its parts begin. Nothing is copied until
somebody asks for it, and checksums are not verified on the way (the kernel at the far end does that);
:func:`checksums_hold` is for whoever wants to know.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, NamedTuple

#: Protocol numbers (IANA).
ICMP: Final = 1
TCP: Final = 6
UDP: Final = 17
GRE: Final = 47
ESP: Final = 50
ICMPV6: Final = 58

_HOP_BY_HOP: Final = 0
_ROUTING: Final = 43
_FRAGMENT: Final = 44
_DESTINATION_OPTIONS: Final = 60
_EXTENSIONS: Final = frozenset({_HOP_BY_HOP, _ROUTING, _DESTINATION_OPTIONS})
_MOST_EXTENSIONS: Final = 8

IPV4_HEADER: Final = 20
IPV6_HEADER: Final = 40
TCP_HEADER: Final = 20
UDP_HEADER: Final = 8
_DONT_FRAGMENT: Final = 0x4000
_MORE_FRAGMENTS: Final = 0x2000
_OFFSET: Final = 0x1FFF
#: The hop limit of packets that are made here.
HOP_LIMIT: Final = 64


class PacketError(ValueError):
    """The bytes are no packet that a router would pass on."""


class Flag(enum.IntFlag):
    """Control bits of TCP (RFC 9293, section 3.1)."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10


#: The same as plain numbers, for the path that every packet takes.
FIN: Final = 0x01
SYN: Final = 0x02
RST: Final = 0x04
PSH: Final = 0x08
ACK: Final = 0x10


class Endpoint(NamedTuple):
    """An address, packed, and a port (0 where the protocol has none)."""

    address: bytes
    port: int

    @classmethod
    def of(cls, address: str, port: int = 0) -> Endpoint:
        """Make one from text.

        :raises ValueError: if ``address`` is no IP address.
        """
        return cls(ip_address(address).packed, port)

    def __str__(self) -> str:
        text = str(ip_address(self.address))
        return f"[{text}]:{self.port}" if ":" in text else f"{text}:{self.port}"


@dataclass(frozen=True, slots=True)
class Fragment:
    """Which part of a datagram a packet carries: ``offset`` in bytes, and whether more follows."""

    identification: int
    offset: int
    more: bool


class Packet(NamedTuple):
    """One packet. (A tuple, because every packet makes three of them.) ``start`` is where its transport header begins, ``body`` its payload, ``end`` where it ends.

    ``protocol`` is that of the payload, behind any extension headers. Ports and ``flags`` are 0 where there are none:
    protocols without ports, and fragments other than the first.
    """

    raw: bytes
    version: int
    protocol: int
    source: bytes
    destination: bytes
    start: int
    body: int
    end: int
    source_port: int
    destination_port: int
    flags: int
    fragment: Fragment | None

    @property
    def payload(self) -> bytes:
        """What TCP, UDP or the protocol itself carries."""
        return self.raw[self.body : self.end]

    @property
    def payload_length(self) -> int:
        """Bytes of :attr:`payload`, without copying it."""
        return self.end - self.body

    @property
    def hop_limit(self) -> int:
        """Time to live (IPv4) or hop limit (IPv6)."""
        return self.raw[8] if self.version == 4 else self.raw[7]

    @property
    def dont_fragment(self) -> bool:
        """Whether no router may cut it up; always so in IPv6."""
        return self.version == 6 or bool(self.raw[6] & 0x40)

    @property
    def identification(self) -> int:
        """The identification field of IPv4; 0 in IPv6."""
        return int.from_bytes(self.raw[4:6]) if self.version == 4 else 0

    @property
    def sequence(self) -> int:
        """TCP sequence number."""
        return int.from_bytes(self.raw[self.start + 4 : self.start + 8])

    @property
    def acknowledgment(self) -> int:
        """TCP acknowledgment number."""
        return int.from_bytes(self.raw[self.start + 8 : self.start + 12])

    @property
    def window(self) -> int:
        """TCP window field, not scaled."""
        return int.from_bytes(self.raw[self.start + 14 : self.start + 16])

    @property
    def sender(self) -> Endpoint:
        """Where it comes from."""
        return Endpoint(self.source, self.source_port)

    @property
    def receiver(self) -> Endpoint:
        """Where it goes."""
        return Endpoint(self.destination, self.destination_port)

    def __repr__(self) -> str:
        return (
            f"<Packet {self.sender} -> {self.receiver} protocol={self.protocol} flags={self.flags:#04x}"
            f" payload={self.payload_length}>"
        )


def parse(raw: bytes) -> Packet:
    """Take a packet apart; bytes behind its stated length are ignored.

    :raises PacketError: for anything that is no whole IP packet, or whose TCP or UDP header is not whole.
    """
    if len(raw) < IPV4_HEADER:
        raise PacketError("shorter than an IP header")
    version = raw[0] >> 4
    if version == 4:
        return _parse_ipv4(raw)
    if version == 6:
        return _parse_ipv6(raw)
    raise PacketError(f"IP version {version}")


def _parse_ipv4(raw: bytes) -> Packet:
    start = (raw[0] & 15) * 4
    end = raw[2] << 8 | raw[3]
    if start < IPV4_HEADER or not start <= end <= len(raw):
        raise PacketError("the lengths of the IPv4 header are wrong")
    cut = raw[6] << 8 | raw[7]
    fragment = None
    if cut & (_MORE_FRAGMENTS | _OFFSET):
        fragment = Fragment(int.from_bytes(raw[4:6]), (cut & _OFFSET) * 8, cut & _MORE_FRAGMENTS != 0)
    return _parse_transport(raw, 4, raw[9], raw[12:16], raw[16:20], start, end, fragment)


def _parse_ipv6(raw: bytes) -> Packet:
    end = IPV6_HEADER + (raw[4] << 8 | raw[5])
    if not IPV6_HEADER <= end <= len(raw):
        raise PacketError("the length of the IPv6 packet is wrong")
    following = raw[6]
    start = IPV6_HEADER
    fragment = None
    for _ in range(_MOST_EXTENSIONS):
        if following not in _EXTENSIONS and following != _FRAGMENT:
            break
        if start + 8 > end:
            raise PacketError("an extension header is not whole")
        kind, following = following, raw[start]
        if kind == _FRAGMENT:
            field = int.from_bytes(raw[start + 2 : start + 4])
            fragment = Fragment(int.from_bytes(raw[start + 4 : start + 8]), field & 0xFFF8, field & 1 != 0)
            start += 8
            if fragment.offset:
                break
        else:
            start += (raw[start + 1] + 1) * 8
            if start > end:
                raise PacketError("an extension header is longer than its packet")
    else:
        raise PacketError("too many extension headers")
    return _parse_transport(raw, 6, following, raw[8:24], raw[24:40], start, end, fragment)


def _parse_transport(
    raw: bytes,
    version: int,
    protocol: int,
    source: bytes,
    destination: bytes,
    start: int,
    end: int,
    fragment: Fragment | None,
) -> Packet:
    source_port = destination_port = flags = 0
    body = start
    if fragment is not None and fragment.offset:
        pass  # the transport header was in the first fragment
    elif protocol == TCP:
        if start + TCP_HEADER > end:
            raise PacketError("the TCP header is not whole")
        body = start + (raw[start + 12] >> 4) * 4
        if not start + TCP_HEADER <= body <= end:
            raise PacketError("the TCP data offset is wrong")
        source_port = raw[start] << 8 | raw[start + 1]
        destination_port = raw[start + 2] << 8 | raw[start + 3]
        flags = raw[start + 13]
    elif protocol == UDP:
        if start + UDP_HEADER > end:
            raise PacketError("the UDP header is not whole")
        body = start + UDP_HEADER
        length = raw[start + 4] << 8 | raw[start + 5]
        if length < UDP_HEADER or (fragment is None and start + length > end):
            raise PacketError("the UDP length is wrong")
        end = min(end, start + length)
        source_port = raw[start] << 8 | raw[start + 1]
        destination_port = raw[start + 2] << 8 | raw[start + 3]
    return Packet(
        raw,
        version,
        protocol,
        source,
        destination,
        start,
        body,
        end,
        source_port,
        destination_port,
        flags,
        fragment,
    )


def checksum(data: bytes, initial: int = 0) -> int:
    """The internet checksum (RFC 1071) of ``data`` and of numbers already summed.

    The sum of 16-bit words with end-around carry is the remainder modulo 65535, because 65536 leaves 1.
    """
    if len(data) & 1:
        data += b"\0"
    total = int.from_bytes(data) + initial
    folded = total % 0xFFFF
    return 0xFFFF - folded if folded or not total else 0


def pseudo_sum(source: bytes, destination: bytes, protocol: int, length: int) -> int:
    """The pseudo header of TCP, UDP and ICMPv6 as a summand (RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    return int.from_bytes(source + destination) + protocol + length


def build_ip(
    source: bytes,
    destination: bytes,
    protocol: int,
    payload: bytes,
    *,
    hop_limit: int = HOP_LIMIT,
    identification: int = 0,
    dont_fragment: bool = True,
) -> bytes:
    """Put an IP header before ``payload``; the length of the addresses decides the version.

    :raises PacketError: when the two addresses are of different families, or the payload is too long.
    """
    if len(source) != len(destination) or len(source) not in (4, 16):
        raise PacketError("the addresses are not of one family")
    if len(payload) > 0xFFFF - IPV4_HEADER:
        raise PacketError("too long for one packet")
    if len(source) == 16:
        head = b"\x60\0\0\0" + len(payload).to_bytes(2) + bytes((protocol, hop_limit))
        return head + source + destination + payload
    header = bytearray(IPV4_HEADER)
    header[0] = 0x45
    header[2:4] = (IPV4_HEADER + len(payload)).to_bytes(2)
    header[4:6] = (identification & 0xFFFF).to_bytes(2)
    header[6:8] = (_DONT_FRAGMENT if dont_fragment else 0).to_bytes(2)
    header[8] = hop_limit
    header[9] = protocol
    header[12:20] = source + destination
    header[10:12] = checksum(bytes(header)).to_bytes(2)
    return bytes(header) + payload


def build_tcp(
    source: Endpoint,
    destination: Endpoint,
    *,
    sequence: int,
    acknowledgment: int = 0,
    flags: int,
    window: int = 0,
    options: bytes = b"",
    payload: bytes = b"",
    hop_limit: int = HOP_LIMIT,
    identification: int = 0,
) -> bytes:
    """Build a TCP packet; ``options`` are padded to a multiple of four bytes.

    :raises PacketError: for what does not fit into one.
    """
    options += bytes(-len(options) % 4)
    if len(options) > 40:
        raise PacketError("too many TCP options")
    segment = bytearray(TCP_HEADER)
    segment[0:4] = source.port.to_bytes(2) + destination.port.to_bytes(2)
    segment[4:8] = (sequence & 0xFFFFFFFF).to_bytes(4)
    segment[8:12] = (acknowledgment & 0xFFFFFFFF).to_bytes(4)
    segment[12] = (TCP_HEADER + len(options)) << 2
    segment[13] = int(flags)
    segment[14:16] = window.to_bytes(2)
    segment += options + payload
    summand = pseudo_sum(source.address, destination.address, TCP, len(segment))
    segment[16:18] = checksum(bytes(segment), summand).to_bytes(2)
    return build_ip(
        source.address,
        destination.address,
        TCP,
        bytes(segment),
        hop_limit=hop_limit,
        identification=identification,
    )


def build_udp(
    source: Endpoint,
    destination: Endpoint,
    payload: bytes,
    *,
    hop_limit: int = HOP_LIMIT,
    identification: int = 0,
) -> bytes:
    """Build a UDP packet.

    :raises PacketError: when the payload is too long.
    """
    length = UDP_HEADER + len(payload)
    if length > 0xFFFF - IPV4_HEADER:
        raise PacketError("too long for one packet")
    header = source.port.to_bytes(2) + destination.port.to_bytes(2) + length.to_bytes(2)
    summand = pseudo_sum(source.address, destination.address, UDP, length)
    # A checksum of 0 would mean that there is none (RFC 768).
    total = checksum(header + b"\0\0" + payload, summand) or 0xFFFF
    segment = header + total.to_bytes(2) + payload
    return build_ip(
        source.address,
        destination.address,
        UDP,
        segment,
        hop_limit=hop_limit,
        identification=identification,
        dont_fragment=False,
    )


def forwarded(packet: Packet, hops: int) -> Packet:
    """Return the packet ``hops`` routers later; its hop limit must be above ``hops``."""
    raw = bytearray(packet.raw)
    if packet.version == 4:
        raw[8] -= hops
        # RFC 1624: the header's checksum grows by as much as the word of the time to live shrank.
        total = (raw[10] << 8 | raw[11]) + (hops << 8)
        total = (total & 0xFFFF) + (total >> 16)
        raw[10], raw[11] = total >> 8, total & 0xFF
    else:
        raw[7] -= hops
    return with_raw(packet, bytes(raw))


def with_raw(packet: Packet, raw: bytes) -> Packet:
    """Return ``packet`` over other bytes of the same layout."""
    return Packet(raw, *packet[1:])


def rewritten(
    packet: Packet,
    *,
    sender: Endpoint | None = None,
    receiver: Endpoint | None = None,
    flags: int | None = None,
    payload: bytes | None = None,
) -> Packet:
    """Return a copy with other ends, TCP flags or payload, and right checksums; no fragments.

    :raises PacketError: for a fragment, or when the new parts do not fit.
    """
    if packet.fragment is not None:
        raise PacketError("a fragment is not rewritten")
    sender, receiver = sender or packet.sender, receiver or packet.receiver
    if len(sender.address) != len(packet.source) or len(receiver.address) != len(packet.destination):
        raise PacketError("a packet keeps its address family")
    raw = bytearray(packet.raw[: packet.body]) + (packet.payload if payload is None else payload)
    if packet.version == 4:
        raw[2:4] = len(raw).to_bytes(2)
        raw[12:20] = sender.address + receiver.address
        raw[10:12] = b"\0\0"
        raw[10:12] = checksum(bytes(raw[: (raw[0] & 15) * 4])).to_bytes(2)
    else:
        raw[4:6] = (len(raw) - IPV6_HEADER).to_bytes(2)
        raw[8:40] = sender.address + receiver.address
    if packet.protocol in (TCP, UDP):
        start = packet.start
        raw[start : start + 4] = sender.port.to_bytes(2) + receiver.port.to_bytes(2)
        if packet.protocol == TCP and flags is not None:
            raw[start + 13] = flags
        if packet.protocol == UDP:
            raw[start + 4 : start + 6] = (len(raw) - start).to_bytes(2)
        _place_checksum(raw, packet.protocol, start, sender.address, receiver.address)
    return parse(bytes(raw))


def _place_checksum(raw: bytearray, protocol: int, start: int, source: bytes, destination: bytes) -> None:
    place = start + (16 if protocol == TCP else 6)
    raw[place : place + 2] = b"\0\0"
    total = checksum(bytes(raw[start:]), pseudo_sum(source, destination, protocol, len(raw) - start))
    raw[place : place + 2] = (total or (0xFFFF if protocol == UDP else 0)).to_bytes(2)


def checksums_hold(packet: Packet) -> bool:
    """Tell whether the checksums of the IPv4 header and of TCP or UDP are right. Fragments: of the header alone."""
    if packet.version == 4 and checksum(packet.raw[: (packet.raw[0] & 15) * 4]):
        return False
    if packet.protocol not in (TCP, UDP) or packet.fragment is not None:
        return True
    segment = packet.raw[packet.start : packet.end]
    if packet.protocol == UDP and packet.version == 4 and segment[6:8] == b"\0\0":
        return True
    return not checksum(segment, pseudo_sum(packet.source, packet.destination, packet.protocol, len(segment)))
