"""A stopwatch and a tape measure at the client's end of the wire. Pure.

It notes when the first packet of each connection left the client, when the first answer was handed to it, and how many
bytes went each way: figures that no program under test had a hand in.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from circumvent.lab.flow import DOWN, UP, FlowKey, key_of
from circumvent.lab.packet import ACK, SYN, TCP, UDP, PacketError, parse

if TYPE_CHECKING:
    from circumvent.lab.packet import Packet

#: Connections that are kept until they are asked for; those beyond are not counted.
MOST: Final = 65536
_NAMES: Final = {TCP: "tcp", UDP: "udp"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """One TCP connection or UDP flow; times in seconds since the wire was opened.

    ``asked`` is when its first packet left the client, ``answered`` when the first one reached it (TCP: the SYN/ACK, or
    a reset), ``None`` if none did. ``sent`` and ``received`` count bytes of IP, headers included.
    """

    protocol: str
    address: str
    port: int
    client_port: int
    asked: float
    answered: float | None
    sent: int
    received: int


@dataclass(slots=True)
class _Count:
    key: FlowKey
    asked: float
    answered: float | None = None
    sent: int = 0
    received: int = 0


class Tally:
    """Counts what the client sends and gets."""

    def __init__(self) -> None:
        self._current: dict[FlowKey, _Count] = {}
        self._all: list[_Count] = []

    def left(self, raw: bytes, now: float) -> None:
        """Count a packet that the client sent."""
        packet = _packet(raw)
        if packet is None:
            return
        count = self._of(packet, now)
        if count is not None:
            count.sent += len(raw)

    def arrived(self, raw: bytes, now: float) -> None:
        """Count a packet that was handed to the client; what answers nothing is nobody's."""
        packet = _packet(raw)
        count = None if packet is None else self._current.get(key_of(packet, DOWN))
        if count is None:
            return
        count.received += len(raw)
        if count.answered is None:
            count.answered = now

    def take(self) -> tuple[Passed, ...]:
        """Return what passed since the last call, in the order in which it began."""
        taken = tuple(
            Passed(
                protocol=_NAMES[count.key.protocol],
                address=str(ip_address(count.key.server)),
                port=count.key.server_port,
                client_port=count.key.client_port,
                asked=count.asked,
                answered=count.answered,
                sent=count.sent,
                received=count.received,
            )
            for count in self._all
        )
        self._current.clear()
        self._all.clear()
        return taken

    def _of(self, packet: Packet, now: float) -> _Count | None:
        key = key_of(packet, UP)
        count = self._current.get(key)
        if count is None or (_opens(packet) and count.answered is not None):  # the port is used again
            if len(self._all) >= MOST:
                return None
            count = self._current[key] = _Count(key, now)
            self._all.append(count)
        return count


def _packet(raw: bytes) -> Packet | None:
    """Return a packet of TCP or UDP with its ports."""
    try:
        packet = parse(raw)
    except PacketError:
        return None
    return packet if packet.protocol in _NAMES and packet.fragment is None else None


def _opens(packet: Packet) -> bool:
    return packet.protocol == TCP and packet.flags & (SYN | ACK) == SYN
