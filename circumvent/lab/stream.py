"""The bytes of one direction of a TCP connection, put in order as far as a censor remembers them. Pure."""

from __future__ import annotations

from typing import Final

#: Bytes that are kept of each direction: enough for any ClientHello (RFC 8446 section 5.1).
LIMIT: Final = 16 * 1024
#: Segments that are kept until the gap before them is filled.
MOST_EARLY: Final = 64
_HALF: Final = 1 << 31
_WHOLE: Final = 1 << 32


def distance(later: int, earlier: int) -> int:
    """How far ``later`` is ahead of ``earlier`` in sequence space (RFC 9293, section 3.4); negative if behind."""
    return (later - earlier + _HALF) % _WHOLE - _HALF


class Stream:
    """Reassembly. Of bytes that come twice the first ones count; what lies beyond the limit is not kept."""

    __slots__ = ("_early", "_highest", "_next", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self._next: int | None = None
        self._highest: int | None = None
        self._early: dict[int, bytes] = {}

    @property
    def full(self) -> bool:
        """Whether nothing more is kept."""
        return len(self.data) >= LIMIT

    def open(self, sequence: int) -> None:
        """Take the sequence number of a SYN."""
        self._next = self._highest = (sequence + 1) % _WHOLE

    def begins_at(self, sequence: int) -> bool:
        """Tell whether ``sequence`` is that of the SYN, and nothing was sent since."""
        return self._next == (sequence + 1) % _WHOLE

    def add(self, sequence: int, payload: bytes) -> bool:
        """Take a segment in; tell whether any of it is new. Without a SYN the first segment is the beginning."""
        if self._next is None or self._highest is None:
            self._next = self._highest = sequence
        end = (sequence + len(payload)) % _WHOLE
        fresh = distance(end, self._highest) > 0
        if fresh:
            self._highest = end
        if not self.full:
            self._place(sequence, payload)
        return fresh

    def _place(self, sequence: int, payload: bytes) -> None:
        assert self._next is not None  # noqa: S101 - set by whoever calls
        ahead = distance(sequence, self._next)
        if ahead > 0:
            if ahead < LIMIT and len(self._early) < MOST_EARLY:
                self._early.setdefault(sequence, payload)
            return
        if -ahead >= len(payload):
            return
        self._append(payload[-ahead:])
        while self._early and not self.full:
            ready = [start for start in self._early if distance(start, self._next) <= 0]
            if not ready:
                return
            for start in ready:
                piece = self._early.pop(start)
                overlap = -distance(start, self._next)
                if overlap < len(piece):
                    self._append(piece[overlap:])

    def _append(self, payload: bytes) -> None:
        assert self._next is not None  # noqa: S101 - set by whoever calls
        self.data += payload[: LIMIT - len(self.data)]
        self._next = (self._next + len(payload)) % _WHOLE
