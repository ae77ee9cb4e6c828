"""IP fragments: made where a packet is too long, and put together again for a censor that wants to see it whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from circumvent.lab.packet import (
    IPV4_HEADER,
    IPV6_HEADER,
    Packet,
    PacketError,
    build_ip,
    checksum,
    parse,
)

#: Seconds until an incomplete datagram is forgotten (RFC 8200 section 4.5 says 60; a censor has less patience).
PATIENCE: Final = 30.0
#: Datagrams that are put together at once, and fragments of one.
MOST_DATAGRAMS: Final = 256
MOST_FRAGMENTS: Final = 64


def fragmented(packet: Packet, mtu: int) -> list[bytes]:
    """Cut an IPv4 packet into fragments of at most ``mtu`` bytes (RFC 791, section 3.2).

    :raises PacketError: when it must not be cut, or ``mtu`` leaves no room.
    """
    if packet.version != 4 or packet.dont_fragment:
        raise PacketError("only the sender may cut this packet")
    header_length = (packet.raw[0] & 15) * 4
    room = (mtu - header_length) & ~7
    if room < 8:
        raise PacketError("the MTU leaves no room for a fragment")
    total = int.from_bytes(packet.raw[2:4])
    data = packet.raw[header_length:total]
    base, last_more = (
        (0, False) if packet.fragment is None else (packet.fragment.offset, packet.fragment.more)
    )
    pieces = []
    for begin in range(0, len(data), room):
        piece = data[begin : begin + room]
        header = bytearray(packet.raw[:header_length])
        more = last_more or begin + room < len(data)
        header[2:4] = (header_length + len(piece)).to_bytes(2)
        header[6:8] = ((0x2000 if more else 0) | (base + begin) // 8).to_bytes(2)
        header[10:12] = b"\0\0"
        header[10:12] = checksum(bytes(header)).to_bytes(2)
        pieces.append(bytes(header) + piece)
    return pieces


@dataclass(slots=True)
class _Datagram:
    begun: float
    packets: list[Packet] = field(default_factory=list)
    pieces: dict[int, bytes] = field(default_factory=dict)
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """A datagram put together, and the packets that brought it, in the order in which they came."""

    packet: Packet
    brought_by: tuple[Packet, ...]


class Defragmenter:
    """Keeps fragments until their datagram is whole. Where two fragments overlap the first one counts."""

    def __init__(self) -> None:
        self._datagrams: dict[tuple[bytes, bytes, int, int], _Datagram] = {}

    def add(self, packet: Packet, now: float) -> Whole | None:
        """Take a fragment in; return its datagram once that is whole.

        What never becomes whole is forgotten, and so are fragments beyond the limits: they never reach anybody,
        as with a firewall that puts together what it inspects.
        """
        fragment = packet.fragment
        if fragment is None:
            return Whole(packet, (packet,))
        key = (packet.source, packet.destination, packet.protocol, fragment.identification)
        datagram = self._datagrams.get(key)
        if datagram is None or now - datagram.begun > PATIENCE:
            self._make_room(now)
            datagram = self._datagrams[key] = _Datagram(now)
        if len(datagram.packets) >= MOST_FRAGMENTS:
            return None
        datagram.packets.append(packet)
        payload = _payload(packet)
        datagram.pieces.setdefault(fragment.offset, payload)
        if not fragment.more:
            datagram.length = fragment.offset + len(payload)
        data = _joined(datagram)
        if data is None:
            return None
        del self._datagrams[key]
        first = min(datagram.packets, key=lambda each: each.fragment.offset if each.fragment else 0)
        try:
            whole = parse(
                build_ip(
                    packet.source,
                    packet.destination,
                    first.protocol,
                    data,
                    hop_limit=first.hop_limit,
                    identification=first.identification,
                )
            )
        except PacketError:
            return None
        return Whole(whole, tuple(datagram.packets))

    def _make_room(self, now: float) -> None:
        old = [key for key, datagram in self._datagrams.items() if now - datagram.begun > PATIENCE]
        for key in old:
            del self._datagrams[key]
        while len(self._datagrams) >= MOST_DATAGRAMS:
            del self._datagrams[next(iter(self._datagrams))]


def _payload(packet: Packet) -> bytes:
    """The part of the datagram that a fragment carries, transport header included."""
    if packet.version == 4:
        total = int.from_bytes(packet.raw[2:4])
    else:
        total = IPV6_HEADER + int.from_bytes(packet.raw[4:6])
    return packet.raw[packet.start : max(total, IPV4_HEADER)]


def _joined(datagram: _Datagram) -> bytes | None:
    if datagram.length is None:
        return None
    data = bytearray()
    for offset in sorted(datagram.pieces):
        if offset > len(data):
            return None
        data += datagram.pieces[offset][len(data) - offset :]
    return bytes(data[: datagram.length]) if len(data) >= datagram.length else None
