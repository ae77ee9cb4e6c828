"""How many packets may be under way at once, and which of them are lost. Pure: time is an argument.

For packets that are answered one by one (echoes, questions) on a path that nobody knows: it begins with a few, grows
while answers come and halves when a packet is lost, as TCP does (RFC 5681), with TCP's timer (RFC 6298).

A packet is *lost* when a later one was answered and it was not, *overdue* when its time is up. Only what is lost tells of
loss: if nothing comes any more the flow stands still, and that is another thing.
"""

from __future__ import annotations

from typing import Final

#: Packets under way at the beginning, at least and at most.
FIRST: Final = 4.0
LEAST: Final = 2.0
MOST: Final = 32.0
#: Bounds of the timer, and its start without a round trip, in seconds (RFC 6298, section 2; shorter, for probes).
SHORTEST: Final = 0.25
LONGEST: Final = 4.0
UNKNOWN: Final = 1.0
#: How much more patient it becomes: on a line that loses much, silence must still be told from bad luck.
MOST_BACKOFF: Final = 4.0
#: Answers out of order by so many packets are no loss (RFC 5681, section 3.2).
REORDERED: Final = 3


class Window:
    """The packets of one flow."""

    def __init__(self, round_trip: float | None = None) -> None:
        """Begin; ``round_trip`` in seconds, where one is known."""
        self.answered = 0
        self._size = FIRST
        self._smoothed = round_trip
        self._variation = (round_trip or 0.0) / 2
        self._backoff = 1.0
        self._left: dict[int, float] = {}
        self._overdue: set[int] = set()
        self._highest = -1
        self._recovered = -1

    @property
    def round_trip(self) -> float | None:
        """Return the smoothed round trip in seconds, where one is known."""
        return self._smoothed

    @property
    def under_way(self) -> int:
        """Return how many packets may still be answered in time."""
        return len(self._left) - len(self._overdue)

    @property
    def lost(self) -> int:
        """Return how many packets were not answered though later ones were."""
        return sum(number + REORDERED <= self._highest for number in self._left)

    @property
    def missing(self) -> frozenset[int]:
        """Return which packets those are."""
        return frozenset(number for number in self._left if number + REORDERED <= self._highest)

    @property
    def patience(self) -> float:
        """Return how long an answer may take now, in seconds."""
        smoothed = self._smoothed
        wait = UNKNOWN if smoothed is None else max(smoothed + 4 * self._variation, SHORTEST)
        return min(wait * self._backoff, LONGEST)

    def may_send(self) -> bool:
        """Tell whether another packet may leave."""
        return self.under_way < int(self._size)

    def due(self) -> float | None:
        """Return when the oldest packet under way is overdue; ``None`` with nothing under way."""
        oldest = min((at for number, at in self._left.items() if number not in self._overdue), default=None)
        return None if oldest is None else oldest + self.patience

    def sent(self, number: int, now: float) -> None:
        """A packet left. Numbers grow."""
        self._left[number] = now

    def came(self, number: int, now: float) -> bool:
        """Its answer came; tell whether it was waited for. One that came before changes nothing."""
        at = self._left.pop(number, None)
        if at is None:
            return False
        self._overdue.discard(number)
        self.answered += 1
        self._backoff = 1.0
        self._note(max(now - at, 0.0))
        before = self.lost
        self._highest = max(self._highest, number)
        if self.lost > before:
            self._shrink()
        else:
            self._size = min(self._size + 1, MOST)
        return True

    def expire(self, now: float) -> None:
        """Let go of what is overdue: others may leave in its place, fewer and with more time."""
        patience = self.patience
        late = [
            number
            for number, at in self._left.items()
            if number not in self._overdue and now - at >= patience
        ]
        if late:
            self._overdue.update(late)
            self._backoff = min(self._backoff * 2, MOST_BACKOFF)
            self._shrink()

    def _note(self, took: float) -> None:
        if self._smoothed is None:
            self._smoothed, self._variation = took, took / 2
            return
        self._variation += (abs(self._smoothed - took) - self._variation) / 4
        self._smoothed += (took - self._smoothed) / 8

    def _shrink(self) -> None:
        """Halve the window, once for all that was under way when it happened."""
        if self._highest >= self._recovered:
            self._size = max(self._size / 2, LEAST)
            self._recovered = max(self._left, default=self._highest)
