"""Which packet ids were seen: a sliding window, as RFC 6479 and OpenVPN's ``packet_id.c`` have it."""

from __future__ import annotations

from typing import Final

#: How far behind the highest one an id may come (OpenVPN's default for datagrams).
WINDOW: Final = 64


class ReplayWindow:
    """Accepts each packet id once. Ids begin at 1."""

    def __init__(self, size: int = WINDOW) -> None:
        self._size = size
        self._highest = 0
        self._seen = 0

    def fresh(self, packet_id: int) -> bool:
        """Tell whether an id was not seen and is not too old. Nothing is noted: the packet may be forged."""
        if packet_id <= 0:
            return False
        if packet_id > self._highest:
            return True
        behind = self._highest - packet_id
        return behind < self._size and not self._seen >> behind & 1

    def note(self, packet_id: int) -> None:
        """Note the id of a packet that authenticated."""
        if packet_id > self._highest:
            moved = packet_id - self._highest
            self._seen = (self._seen << moved if moved < self._size else 0) | 1
            self._seen &= (1 << self._size) - 1
            self._highest = packet_id
        elif packet_id > 0:
            self._seen |= 1 << (self._highest - packet_id)


class LongReplayWindow:
    """The same for the long form: an id and the second in which its sender began to count (``packet_id.h``)."""

    def __init__(self) -> None:
        self._second = 0
        self._window = ReplayWindow()

    def fresh(self, packet_id: int, second: int) -> bool:
        """Tell whether the packet was not seen. A later second begins a new count."""
        return second > self._second or (second == self._second and self._window.fresh(packet_id))

    def note(self, packet_id: int, second: int) -> None:
        """Note a packet that authenticated."""
        if second > self._second:
            self._second, self._window = second, ReplayWindow()
        self._window.note(packet_id)
