"""KCP, sans-IO: a reliable stream of bytes over packets that may be lost, doubled or out of order.

A packet is a row of segments, each with a head of 24 bytes, little-endian: conversation (4 bytes), command (1), fragment
(1), window (2), time stamp (4, milliseconds), number (4), first number not yet received (4), length (4). Commands: 81 data,
82 acknowledgement, 83 "how large is your window", 84 the answer to that (the protocol's own description, and kcp-go, whose
stream mode without congestion window this is: dnstt and snowflake use that).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Specification. Times are milliseconds.
_HEAD: Final = struct.Struct("<IBBHIIII")
HEAD_BYTES: Final = _HEAD.size
PUSH, ACK, ASK, TELL = 81, 82, 83, 84
FIRST_RTO: Final = 200
LEAST_RTO: Final = 100
LARGEST_RTO: Final = 60_000
INTERVAL: Final = 100  #: acknowledgements wait so long for data to go with, and for each other
FIRST_REMOTE_WINDOW: Final = 32
ASK_AGAIN: Final = 500
#: A segment that was sent so often without an answer: nobody is there.
MOST_SENT: Final = 20
_WRAP: Final = 1 << 32

# Ours.
#: Acknowledgements that are kept for the next packet; a peer that floods us loses the oldest.
MOST_ACKNOWLEDGED: Final = 1024


class DeadLinkError(TorError):
    """One segment was sent :data:`MOST_SENT` times and never acknowledged."""


@dataclass(slots=True)
class _Segment:
    number: int
    data: bytes
    sent: int = 0
    rto: int = 0
    again: int = 0


class Kcp:
    """One conversation. ``now`` is seconds of any clock that does not go back."""

    def __init__(self, conversation: int, *, packet_bytes: int, window: int = 64) -> None:
        """Begin conversation number ``conversation`` (32 bits), in packets of ``packet_bytes`` at most.

        :raises ValueError: when no data would fit.
        """
        if packet_bytes <= HEAD_BYTES:
            raise ValueError("no room for data in a packet")
        self.conversation = conversation
        self._packet_bytes = packet_bytes
        self._window = window
        self._remote_window = FIRST_REMOTE_WINDOW
        self._queued = bytearray()
        self._flying: dict[int, _Segment] = {}
        self._next = 0
        self._first_unacknowledged = 0
        self._expected = 0
        self._early: dict[int, bytes] = {}
        self._arrived = bytearray()
        self._acknowledge: list[tuple[int, int]] = []
        self._acknowledge_at: int | None = None
        self._tell = False
        self._ask_at: int | None = None
        self._round_trip: tuple[float, float] | None = None
        self._rto = FIRST_RTO

    @property
    def unacknowledged(self) -> int:
        """Return how many bytes the peer has not yet acknowledged."""
        return len(self._queued) + sum(len(segment.data) for segment in self._flying.values())

    def send(self, data: bytes) -> None:
        """Keep ``data`` for the next packets."""
        self._queued += data

    def take(self) -> bytes:
        """Return the bytes that have arrived in order since the last time."""
        data = bytes(self._arrived)
        self._arrived.clear()
        return data

    def feed(self, packet: bytes, now: float) -> None:
        """Take a packet of the peer's.

        :raises TorError: when it is none of this conversation; what stood before the wrong segment counts.
        """
        offset = 0
        while offset < len(packet):
            if len(packet) - offset < HEAD_BYTES:
                raise TorError("the head of a KCP segment is cut")
            conversation, command, _, window, stamp, number, una, length = _HEAD.unpack_from(packet, offset)
            offset += HEAD_BYTES
            if conversation != self.conversation:
                raise TorError("a KCP segment of another conversation")
            if command not in (PUSH, ACK, ASK, TELL) or length > len(packet) - offset:
                raise TorError("not a KCP segment")
            self._remote_window = window
            self._acknowledged_before(una)
            if command == ACK:
                self._acknowledged(number, stamp, _milliseconds(now))
            elif command == PUSH:
                self._pushed(number, stamp, packet[offset : offset + length])
                if self._acknowledge and self._acknowledge_at is None:
                    self._acknowledge_at = (_milliseconds(now) + INTERVAL) % _WRAP
            elif command == ASK:
                self._tell = True
            offset += length

    def packets(self, now: float) -> list[bytes]:
        """Return the packets that are due: acknowledgements, data, and data that got lost.

        :raises DeadLinkError: when the peer has not acknowledged for too long.
        """
        moment = _milliseconds(now)
        rest: list[bytes] = []
        if self._tell:
            rest.append(self._segment(TELL, 0, moment))
            self._tell = False
        if self._must_ask(moment):
            rest.append(self._segment(ASK, 0, moment))
        self._fill()
        rest += [
            self._segment(PUSH, segment.number, moment, segment.data)
            for segment in self._flying.values()
            if self._due(segment, moment)
        ]
        heads: list[bytes] = []
        if rest or (self._acknowledge_at is not None and _after(self._acknowledge_at, moment) <= 0):
            heads = [self._segment(ACK, number, stamp) for number, stamp in self._acknowledge]
            self._acknowledge.clear()
            self._acknowledge_at = None
        return list(self._packed([*heads, *rest]))

    def next_due(self, now: float) -> float | None:
        """Return in how many seconds :meth:`packets` has something to do again; ``None`` for not by itself."""
        moment = _milliseconds(now)
        times = [_after(segment.again, moment) for segment in self._flying.values()]
        times += [_after(at, moment) for at in (self._ask_at, self._acknowledge_at) if at is not None]
        return max(min(times), 0) / 1000 if times else None

    def _fill(self) -> None:
        """Cut what is queued into segments, as many as the windows of both sides let fly."""
        most = min(self._window, self._remote_window)
        longest = self._packet_bytes - HEAD_BYTES
        while self._queued and (self._next - self._first_unacknowledged) % _WRAP < most:
            self._flying[self._next] = _Segment(self._next, bytes(self._queued[:longest]))
            del self._queued[:longest]
            self._next = (self._next + 1) % _WRAP

    def _due(self, segment: _Segment, moment: int) -> bool:
        if segment.sent and _after(segment.again, moment) > 0:
            return False
        if segment.sent >= MOST_SENT:
            raise DeadLinkError("nothing was acknowledged")
        first = not segment.sent
        segment.rto = self._rto if first else segment.rto + max(segment.rto, self._rto)
        segment.rto = min(segment.rto, LARGEST_RTO)
        segment.again = (moment + segment.rto + (self._rto >> 3 if first else 0)) % _WRAP
        segment.sent += 1
        return True

    def _must_ask(self, moment: int) -> bool:
        """Tell whether to ask a peer without room whether it has some now."""
        if self._remote_window or not self._queued:
            self._ask_at = None
            return False
        if self._ask_at is not None and _after(self._ask_at, moment) > 0:
            return False
        due = self._ask_at is not None
        self._ask_at = (moment + ASK_AGAIN) % _WRAP
        return due

    def _acknowledged_before(self, una: int) -> None:
        if not _within(una, self._first_unacknowledged, self._next):
            return
        for number in [number for number in self._flying if _after(una, number) > 0]:
            del self._flying[number]
        self._move_up()

    def _acknowledged(self, number: int, stamp: int, moment: int) -> None:
        segment = self._flying.pop(number, None)
        passed = _after(moment, stamp)
        if segment is not None and 0 <= passed <= LARGEST_RTO:
            self._measure(passed)
        self._move_up()

    def _move_up(self) -> None:
        self._first_unacknowledged = next(iter(self._flying), self._next)

    def _measure(self, passed: int) -> None:
        """Smooth the round trip as TCP does (RFC 6298)."""
        if self._round_trip is None:
            self._round_trip = passed, passed / 2
        else:
            mean, variation = self._round_trip
            variation += (abs(passed - mean) - variation) / 4
            self._round_trip = max(mean + (passed - mean) / 8, 1), variation
        mean, variation = self._round_trip
        self._rto = int(min(max(mean + max(INTERVAL, 4 * variation), LEAST_RTO), LARGEST_RTO))

    def _pushed(self, number: int, stamp: int, data: bytes) -> None:
        if _after(number, self._expected) >= self._window:
            return
        self._acknowledge = [*self._acknowledge[1 - MOST_ACKNOWLEDGED :], (number, stamp)]
        if _after(number, self._expected) < 0:
            return
        self._early.setdefault(number, data)
        while (ready := self._early.pop(self._expected, None)) is not None:
            self._arrived += ready
            self._expected = (self._expected + 1) % _WRAP

    def _segment(self, command: int, number: int, stamp: int, data: bytes = b"") -> bytes:
        room = max(self._window - len(self._early), 0)
        head = _HEAD.pack(self.conversation, command, 0, room, stamp, number, self._expected, len(data))
        return head + data

    def _packed(self, segments: Iterable[bytes]) -> Iterable[bytes]:
        packet = b""
        for segment in segments:
            if packet and len(packet) + len(segment) > self._packet_bytes:
                yield packet
                packet = b""
            packet += segment
        if packet:
            yield packet


def _milliseconds(now: float) -> int:
    return int(now * 1000) % _WRAP


def _after(number: int, other: int) -> int:
    """Return how far ``number`` lies after ``other``, around the end of 32 bits; negative when before it."""
    return (number - other + (_WRAP >> 1)) % _WRAP - (_WRAP >> 1)


def _within(number: int, low: int, high: int) -> bool:
    return (number - low) % _WRAP <= (high - low) % _WRAP
