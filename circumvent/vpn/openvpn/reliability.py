"""Order, acknowledgement and repetition in the control channel (draft-openvpn-wire-protocol, section 3.2).

TCP-like, with whole packets: each carries an id that counts from 0, each is acknowledged by that id, what is not
acknowledged is sent again. It runs over streams too, where nothing is ever lost. Time is an argument, in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.vpn.openvpn.packet import MOST_ACKS

if TYPE_CHECKING:
    from circumvent.vpn.openvpn.packet import Opcode

#: Packets under way at once, and packets held out of order (``TLS_RELIABLE_N_SEND_BUFFERS``, ``_REC_BUFFERS``).
SEND_WINDOW: Final = 6
RECEIVE_WINDOW: Final = 12
#: Seconds until a packet is sent again while no round trip is known, the bounds once one is, and how it grows. (OpenVPN's own
#: 2 s and doubling would send twice within the limit of a step.)
FIRST_WAIT: Final = 0.7
SHORTEST_WAIT: Final = 0.3
LONGEST_WAIT: Final = 8.0
GROWTH: Final = 1.5
#: A packet is sent again at once when so many later ones were acknowledged (``N_ACK_RETRANSMIT``).
OVERTAKEN: Final = 3
#: Acknowledgements that are repeated in later packets, in case the first ones were lost.
_REPEATED: Final = 4


@dataclass(slots=True)
class Outgoing:
    """A packet that waits for its acknowledgement."""

    packet_id: int
    opcode: Opcode
    payload: bytes
    wait: float
    sent: float | None = None
    due: float = 0.0
    times: int = 0
    overtaken: int = 0


class Sender:
    """Packets of ours, from the first time they are sent until they are acknowledged."""

    def __init__(self, *, repeats: bool = True) -> None:
        """Without ``repeats`` everything is sent once: the stream below loses nothing."""
        self._repeats = repeats
        self._next = 0
        self._held: list[Outgoing] = []
        self._wait = FIRST_WAIT
        self.repeated = 0

    @property
    def room(self) -> int:
        """Return how many more packets may be under way."""
        return SEND_WINDOW - len(self._held)

    @property
    def waiting(self) -> bool:
        """Tell whether something was not acknowledged yet."""
        return bool(self._held)

    def queue(self, opcode: Opcode, payload: bytes) -> None:
        """Take a packet to be sent at once.

        :raises ValueError: when there is no room.
        """
        if self.room <= 0:
            raise ValueError("the window is full")
        self._held.append(Outgoing(self._next, opcode, payload, self._wait))
        self._next += 1

    def due(self, now: float) -> list[Outgoing]:
        """Return what is to be sent now, for the first time or again, and note it as sent."""
        ready = [packet for packet in self._held if packet.sent is None or self._is_lost(packet, now)]
        for packet in ready:
            if packet.times:
                self.repeated += 1
                packet.wait = min(packet.wait * GROWTH, LONGEST_WAIT)
            packet.sent, packet.due = now, now + packet.wait
            packet.times += 1
            packet.overtaken = 0
        return ready

    def acknowledge(self, packet_ids: tuple[int, ...], now: float) -> float | None:
        """Forget what the peer has; return a round trip, if it was measured on a packet that was sent once."""
        round_trip = None
        for packet_id in packet_ids:
            packet = next((each for each in self._held if each.packet_id == packet_id), None)
            if packet is None or packet.sent is None:
                continue
            self._held.remove(packet)
            if packet.times == 1:  # Karn: which of two sendings was acknowledged, nobody knows
                round_trip = now - packet.sent
                self._wait = min(max(2 * round_trip, SHORTEST_WAIT), LONGEST_WAIT)
            for earlier in self._held:
                earlier.overtaken += earlier.packet_id < packet_id
        return round_trip

    def next_time(self) -> float | None:
        """Return when something is to be sent again; ``None`` when nothing waits."""
        return min((packet.due for packet in self._held), default=None) if self._repeats else None

    def _is_lost(self, packet: Outgoing, now: float) -> bool:
        return self._repeats and (packet.due <= now or packet.overtaken >= OVERTAKEN)


class Receiver:
    """Packets of the peer: in order, each once, and what is to be acknowledged."""

    def __init__(self) -> None:
        self._next = 0
        self._held: dict[int, bytes] = {}
        self._to_acknowledge: list[int] = []
        self._acknowledged: list[int] = []

    def accept(self, packet_id: int, payload: bytes) -> bool:
        """Take a packet; tell whether it was new. One beyond the window is dropped and not acknowledged."""
        if packet_id >= self._next + RECEIVE_WINDOW:
            return False
        if packet_id not in self._to_acknowledge and len(self._to_acknowledge) < RECEIVE_WINDOW:
            self._to_acknowledge.append(packet_id)  # again, if the first acknowledgement was lost
        if packet_id < self._next or packet_id in self._held:
            return False
        self._held[packet_id] = payload
        return True

    def take(self) -> list[bytes]:
        """Return the payloads that are next in order."""
        ready = []
        while self._next in self._held:
            ready.append(self._held.pop(self._next))
            self._next += 1
        return ready

    @property
    def owes(self) -> bool:
        """Tell whether something is to be acknowledged."""
        return bool(self._to_acknowledge)

    def acks(self, most: int = MOST_ACKS) -> tuple[int, ...]:
        """Return what to acknowledge in one packet: what is owed, then what was acknowledged lately."""
        owed, self._to_acknowledge = self._to_acknowledge[:most], self._to_acknowledge[most:]
        again = [each for each in self._acknowledged if each not in owed][: min(_REPEATED, most - len(owed))]
        self._acknowledged = [*reversed(owed), *again][:_REPEATED]
        return (*owed, *again)
