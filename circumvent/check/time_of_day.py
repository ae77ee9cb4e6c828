"""The time of day, from servers that proved who they are: two operators that agree outweigh this device's clock.

A clock that is years off makes every certificate look expired, or not yet valid, and then nobody can be asked in the
usual way. So where certificates of two operators fail for their dates alone, their servers are asked once more, judged
by the middle of their own validity: the chain, the name and the key are proven as ever, and the time that such a server
tells counts only if it lies inside its own certificate's dates, and if two operators tell the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt, Step
    from circumvent.net.clock import Clock

#: A clock is wrong for profiles from here on, in seconds.
WRONG: Final = 60.0
#: Two clocks agree within this many seconds (an HTTP Date has whole seconds, and the way takes time).
CLOCKS_AGREE: Final = 5.0
#: Operators that must agree.
OPERATORS: Final = 2
#: Servers that are asked once more by their own dates, at most.
MOST_ASKED: Final = 4
#: Failures for which a wrong clock may be the only reason.
OF_DATES: Final = frozenset({failures.SSL_EXPIRED, failures.SSL_NOT_YET_VALID, failures.CLOCK_SKEW})
WHY: Final = "this device's clock was wrong"


class TimeOfDay:
    """Collects what servers say about the time."""

    def __init__(self, clock: Clock) -> None:
        """Judge against ``clock``, and put it right once two operators agree."""
        self._clock = clock
        self._skews: dict[str, float] = {}
        self._out_of_date: dict[str, tuple[Option, tuple[float, float]]] = {}

    def take(self, option: Option, attempt: Attempt) -> None:
        """Read the clock of an authenticated server off an attempt, or the dates for which it was not believed."""
        if option.held_by_user and not option.baseline:
            return
        operator = option.operator or option.endpoint.host
        for step in attempt.steps:
            skew = step.detail.get("clock_skew_s")
            if isinstance(skew, int | float) and attempt.carried:
                self._skews[operator] = float(skew)
            if step.failure is not None and step.failure.error in OF_DATES:
                dates = _dates(step)
                if dates is not None:
                    self._out_of_date[operator] = option, dates

    def take_by_its_dates(self, option: Option, attempt: Attempt) -> None:
        """Read the clock of a server that was judged by the middle of its certificate's validity."""
        dates = next((found for step in attempt.steps if (found := _dates(step)) is not None), None)
        carry = attempt.step("carry")
        skew = carry.detail.get("clock_skew_s") if carry is not None else None
        if dates is None or not isinstance(skew, int | float):
            return
        if dates[0] <= self._clock.local(attempt.t) - skew <= dates[1]:
            self._skews[option.operator or option.endpoint.host] = float(skew)

    def to_ask(self) -> list[tuple[Option, float]]:
        """Return servers to ask by their own dates, with the moment to judge them by; empty if time is known."""
        if self.agreed() is not None or len(self._out_of_date) < OPERATORS:
            return []
        asked = [(option, sum(dates) / 2) for option, dates in self._out_of_date.values()]
        self._out_of_date.clear()
        return asked[:MOST_ASKED]

    def agreed(self) -> tuple[float, int] | None:
        """Return local minus true time in seconds, and how many operators say so; ``None`` until two do."""
        readings = sorted(self._skews.values())
        if not readings:
            return None
        middle = readings[(len(readings) - 1) // 2]
        agreeing = sum(abs(one - middle) <= CLOCKS_AGREE for one in readings)
        return (middle, agreeing) if agreeing >= OPERATORS else None

    def right(self) -> bool | None:
        """Tell whether this device's clock is right, to the minute; ``None`` while nobody can say.

        One server that proved who it is suffices for yes; for no two operators must agree.
        """
        agreed = self.agreed()
        if agreed is not None:
            return abs(agreed[0]) <= WRONG
        return True if any(abs(skew) <= WRONG for skew in self._skews.values()) else None

    def correct(self) -> bool:
        """Put the clock of the check right, if that is known; tell whether it moved."""
        agreed = self.agreed()
        skew = agreed[0] if agreed is not None and abs(agreed[0]) > CLOCKS_AGREE else None
        moved = abs((skew or 0.0) - (self._clock.skew or 0.0)) > CLOCKS_AGREE
        if moved:
            self._clock.skew = skew
        return moved


def _dates(step: Step) -> tuple[float, float] | None:
    """Return the dates of the certificate that a server showed, in seconds since 1970."""
    try:
        begin, end = (
            datetime.fromisoformat(str(step.detail[name])).timestamp() for name in ("not_before", "not_after")
        )
    except (KeyError, ValueError, OverflowError):
        return None
    return (begin, end) if begin < end else None
