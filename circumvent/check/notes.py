"""Notes of a report: what its reader must know about the check itself, in sentences that name nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.check.accounts import admission
from circumvent.model.words import Reason
from circumvent.net.trace import BUSY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from circumvent.check.schedule import Entry
    from circumvent.model.tor_run import TorRun

_ENDED: Final = {
    Reason.DEADLINE: "The deadline came before everything was tried.",
    Reason.INTERRUPTED: "The check was stopped before everything was tried.",
}
_PENALTY: Final = (
    "The second phase ended early: a probe of ours had set off a penalty that was not over in time. What it spoiled does"
    " not count, and what was left of canary names in clear and of targets was not tried."
)
_BUDGET: Final = (
    "The budget of bytes was used up: some options were not tried, or not as often as they would have been."
)
_OWN_CLOCK: Final = (
    "Nobody who proved who they are told the time: profiles were tried by this device's own clock."
)
_SECOND_LOGIN: Final = "A profile that is in use on this device was tried all the same, as you asked: a second login may have ended the first."
#: Seconds in the units that a clock is told in.
_DAY: Final = 86_400
_HOUR: Final = 3_600


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a check went: why it ended, the correction of the clock (s), whether a penalty ended its second phase.

    ``with_tor`` has what tor itself made of bridges, by option.
    """

    ended_by: Reason | None = None
    skew: float | None = None
    penalty: bool = False
    with_tor: Mapping[str, TorRun] = field(default_factory=dict)


def notes(course: Course, entries: Iterable[Entry]) -> tuple[str, ...]:
    """Return the notes of a check, the weightiest first."""
    tried = list(entries)
    found = [_ENDED[course.ended_by]] if course.ended_by in _ENDED else []
    if course.skew is not None:
        found.append(
            f"This device's clock is {_span(abs(course.skew))} {'fast' if course.skew > 0 else 'slow'}: two operators agree."
            " Certificates and signatures were judged at the corrected time, and the clock was not set."
        )
    before = [admission(attempt) for entry in tried for attempt in entry.counted]
    if any(one.get("clock") == "unknown" for one in before):
        found.append(_OWN_CLOCK)
    if any(one.get("in_use") for one in before):
        found.append(_SECOND_LOGIN)
    if course.penalty:
        found.append(_PENALTY)
    if any(entry.held_back is Reason.BUDGET for entry in tried):
        found.append(_BUDGET)
    busy = sum(attempt.why == BUSY for entry in tried for attempt in entry.attempts)
    if busy:
        found.append(
            f"This machine was busy: {busy} {'attempt' if busy == 1 else 'attempts'} ran out of time for it and"
            f" {'does' if busy == 1 else 'do'} not count."
        )
    return tuple(found)


def _span(seconds: float) -> str:
    """Return a length of time in one unit.

    >>> _span(172_800), _span(5400), _span(75)
    ('2.0 days', '1.5 hours', '75 seconds')
    """
    if seconds >= _DAY:
        return f"{seconds / _DAY:.1f} days"
    return f"{seconds / _HOUR:.1f} hours" if seconds >= _HOUR else f"{seconds:.0f} seconds"
