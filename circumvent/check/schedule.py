"""What is tried next: a pure state machine over the attempts made so far.

Breadth first (the order is given), then

* a failure while other connections to the same address were open, and were served, is tried once more alone
  before it counts;
* what timed out gets one second try with more time; any other failure that is not permanent gets one retry;
* what ran out of time because this machine was busy does not count, and is tried again when few others are;
* then repeats, where they can still change the answer (:mod:`circumvent.rank.repeat`);
* nothing is repeated after a refusal or another permanent failure;
* an account is logged in to once: what ended before that is tried once more, and nothing else.

The driver asks :meth:`Schedule.next_jobs` whenever something ended and reports with :meth:`Schedule.finished`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.check.accounts import logged_in
from circumvent.check.pace import AT_ONCE, is_bridge
from circumvent.diagnose.verdict import refusal
from circumvent.model import failure as failures
from circumvent.model.words import Proof, Reason, Scope
from circumvent.net.trace import BUSY
from circumvent.rank.repeat import next_repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.rank.order import Candidate

#: How many others may be under way beside an attempt that a busy machine spoiled before, and how often it is made.
CALM: Final = 4
MOST_HAMPERED: Final = 2
#: Why the failure before a lone try does not count.
CROWDED: Final = "other connections to this address were open"
#: Why an option has no verdict whose attempts were all spoiled so.
TOO_BUSY: Final = "this machine was too busy"
#: Seconds that a second try gets: on a bad line, and else.
SECOND_TRY_LONG: Final = 15.0
SECOND_TRY: Final = 5.0


class Work(StrEnum):
    """Why an option is tried this time."""

    FIRST = "first try"
    ALONE = "alone, because other connections to its address were open"
    SECOND = "second try, with more time"
    RETRY = "retry"
    AGAIN = "again, because this machine was busy"
    REPEAT = "repeat"
    LOOK = "second look at an anchor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One attempt to make. ``number`` counts an option's tries from 1; ``more_time`` asks for the longer limit."""

    option: Option
    work: Work
    number: int
    goal: Proof
    more_time: bool = False

    @property
    def alone(self) -> bool:
        """Tell whether no other connection to the address may be open meanwhile."""
        return self.work is Work.ALONE


@dataclass(slots=True)
class Entry:
    """An option and what became of it so far.

    ``tries`` counts the jobs given out; ``crowded`` is the failed attempt that waits for its lone try; ``hampered``
    counts attempts that a busy machine spoiled.
    """

    option: Option
    attempts: list[Attempt] = field(default_factory=list)
    held_back: Reason | None = None
    held_detail: str | None = None
    tries: int = 0
    busy: bool = False
    settled: bool = False
    retried: bool = False
    crowded: str | None = None
    hampered: int = 0

    @property
    def counted(self) -> list[Attempt]:
        """Return the attempts that count."""
        return [attempt for attempt in self.attempts if attempt.counted]

    @property
    def logged_in(self) -> bool:
        """Tell whether its account may have seen a login: then it is left alone from there on."""
        return self.option.traits.account and any(map(logged_in, self.attempts))

    @property
    def started(self) -> bool:
        """Tell whether it was tried, or is being tried."""
        return self.tries > 0

    @property
    def carried(self) -> bool:
        """Tell whether a counted attempt carried."""
        return any(attempt.carried for attempt in self.counted)


class Schedule:
    """Decides what is tried next."""

    def __init__(
        self,
        options: Sequence[Option],
        *,
        trials: int,
        enough: int | None = None,
        patient: bool = False,
        short: bool = False,
        candidates: Callable[[Iterable[Entry]], list[Candidate]],
    ) -> None:
        """Begin with ``options`` in breadth-first order.

        ``trials`` is the most counted attempts of an option (an anchor may always have two); ``enough`` stops a
        scope after that many working options; ``patient`` moves the bytes of ``sustained`` once more, in a repeat; ``short``
        leaves them to repeats altogether, which only the best of a scope get;
        ``candidates`` turns entries into what the ranking sees.
        """
        self.entries = {option.id: Entry(option) for option in options}
        self.trials = trials
        self._enough = enough
        self._patient = patient
        self._short = short
        self._candidates = candidates
        self._first: deque[str] = deque(self.entries)
        self._follow: deque[Job] = deque()
        self._again: deque[Job] = deque()
        #: Jobs given out and not finished.
        self.under_way = 0

    def hold_back(self, option_id: str, reason: Reason, detail: str | None = None) -> None:
        """Never try this option (any further); the reason stands if nothing of it counts."""
        entry = self.entries[option_id]
        entry.held_back, entry.held_detail, entry.settled = reason, detail, True

    def next_jobs(self, room: int) -> list[Job]:
        """Return up to ``room`` jobs to begin now; what follows on an attempt is never kept waiting for room.

        (Options whose names wait for a proven resolver fill the room; the second try of that resolver must not
        wait behind them.)
        """
        jobs: list[Job] = []
        while (self._follow or len(jobs) < room) and (job := self._next_job()) is not None:
            entry = self.entries[job.option.id]
            entry.busy = True
            entry.tries += 1
            self.under_way += 1
            jobs.append(job)
        return jobs

    def drop(self, job: Job, reason: Reason, detail: str | None = None) -> None:
        """Take note that a job could not be done. What the option showed before stands."""
        self._ended(job)
        self.hold_back(job.option.id, reason, detail)

    def look_again(self, option_ids: Iterable[str]) -> None:
        """Try these once more, whatever became of them; for anchors."""
        for option_id in option_ids:
            entry = self.entries[option_id]
            if not entry.busy:
                self._queue(entry, Work.LOOK)

    def reopen(self, errors: Iterable[str], why: str, *, before: float) -> int:
        """Try again what failed with one of ``errors`` in attempts begun ``before``; those count no more.

        Return how many.
        """
        wrong = frozenset(errors)
        found = 0
        for entry in self.entries.values():
            spoiled = [
                one
                for one in entry.counted
                if one.t0 < before and one.failure is not None and one.failure.error in wrong
            ]
            if entry.busy or entry.logged_in or not spoiled:
                continue
            for attempt in spoiled:
                self._discount(entry, attempt.id, why)
            entry.settled = entry.retried = False
            self._queue(entry, Work.RETRY)
            found += 1
        return found

    @property
    def done(self) -> bool:
        """Tell whether no allowed attempt can change anything any more."""
        return not self._first and not self._queued and not any(one.busy for one in self.entries.values())

    def finished(self, job: Job, attempt: Attempt, *, shared: bool) -> None:
        """Take note of an attempt.

        ``shared``: other connections to its address were open meanwhile, and somebody was served there. Whoever
        is silent to everybody was not crowded out by us.
        """
        entry = self._ended(job)
        entry.attempts.append(attempt)
        if job.work is Work.ALONE and entry.crowded is not None:
            self._discount(entry, entry.crowded, CROWDED)
            entry.crowded = None
        if entry.logged_in:
            entry.settled = True
            if attempt.why == BUSY:
                self.hold_back(entry.option.id, Reason.DEADLINE, TOO_BUSY)
            return
        if attempt.why == BUSY:
            self._hampered(entry)
        if not attempt.counted or attempt.carried:
            return
        anchor_answered = entry.option.baseline and attempt.proof.at_least(Proof.HANDSHAKEN)
        if _is_final(attempt) or anchor_answered:
            entry.settled = True
        elif shared and not job.alone:
            entry.crowded = attempt.id
            entry.retried = entry.retried or entry.option.traits.account
            self._queue(entry, Work.ALONE, more_time=job.more_time)
        elif self._may_retry(entry) and job.work not in {Work.REPEAT, Work.LOOK} and not entry.carried:
            entry.retried = True
            timed_out = attempt.failure is not None and attempt.failure.error in failures.TIMEOUT_FAILURES
            self._queue(entry, Work.SECOND if timed_out else Work.RETRY, more_time=timed_out)

    def _may_retry(self, entry: Entry) -> bool:
        most = max(self.trials, 2) if entry.option.baseline else self.trials
        return len(entry.counted) < most and not entry.retried

    def _ended(self, job: Job) -> Entry:
        entry = self.entries[job.option.id]
        entry.busy = False
        self.under_way -= 1
        return entry

    def _next_job(self) -> Job | None:
        if self._follow:
            return self._follow.popleft()
        if (job := self._next_first()) is not None:
            return job
        if self._again:
            return self._again.popleft() if self.under_way < CALM else None
        return self._next_repeat()

    def _next_first(self) -> Job | None:
        """Return a first try; bridges of a list that stops when enough work wait while four are under way."""
        waiting: list[str] = []
        full = self._enough is not None and self._bridges_busy >= AT_ONCE
        try:
            while self._first:
                entry = self.entries[self._first.popleft()]
                if entry.settled:
                    continue
                if self._has_enough(entry.option.scope):
                    self.hold_back(entry.option.id, Reason.ENOUGH)
                    continue
                if full and is_bridge(entry.option):
                    waiting.append(entry.option.id)
                    continue
                return self._job(entry, Work.FIRST)
        finally:
            self._first.extendleft(reversed(waiting))
        return None

    @property
    def _bridges_busy(self) -> int:
        return sum(entry.busy and is_bridge(entry.option) for entry in self.entries.values())

    def _next_repeat(self) -> Job | None:
        open_entries = [
            entry
            for entry in self.entries.values()
            if entry.carried and not entry.option.baseline and not entry.logged_in
        ]
        if not any(len(entry.counted) < self.trials for entry in open_entries):
            return None
        for option_id in next_repeats(self._candidates(open_entries), self.trials):
            entry = self.entries[option_id]
            if not entry.busy and not entry.settled:
                return self._job(entry, Work.REPEAT)
        return None

    @property
    def _queued(self) -> int:
        return len(self._follow) + len(self._again)

    def _hampered(self, entry: Entry) -> None:
        """Try again when less is under way what did not get enough of this machine; not for ever."""
        entry.hampered += 1
        most = 1 if entry.option.traits.account else MOST_HAMPERED
        if entry.hampered <= most:
            entry.busy = True
            self._again.append(self._job(entry, Work.AGAIN))
        elif not entry.counted:
            self.hold_back(entry.option.id, Reason.DEADLINE, TOO_BUSY)

    def _queue(self, entry: Entry, work: Work, *, more_time: bool = False) -> None:
        entry.busy = True
        self._follow.append(self._job(entry, work, more_time=more_time))

    def _job(self, entry: Entry, work: Work, *, more_time: bool = False) -> Job:
        lasted = sum(
            attempt.proof is Proof.SUSTAINED or bool(attempt.cut_bytes) for attempt in entry.attempts
        )
        again = self._patient and work is Work.REPEAT and lasted == 1
        if self._short and not entry.option.traits.account:
            once = work is not Work.REPEAT or lasted > 0
        else:
            once = entry.carried or lasted > 0
        goal = Proof.CARRIED if (once and not again) or entry.option.baseline else Proof.SUSTAINED
        return Job(option=entry.option, work=work, number=entry.tries + 1, goal=goal, more_time=more_time)

    def _has_enough(self, scope: Scope) -> bool:
        if self._enough is None:
            return False
        working = [
            one
            for one in self.entries.values()
            if one.option.scope is scope and one.carried and not one.option.baseline
        ]
        return len(self._candidates(working)) >= self._enough

    @staticmethod
    def _discount(entry: Entry, attempt_id: str, why: str) -> None:
        entry.attempts = [
            msgspec.structs.replace(attempt, counted=False, why=why) if attempt.id == attempt_id else attempt
            for attempt in entry.attempts
        ]


def second_try_limit(*, limit: float, bad_line: bool, left: float) -> float:
    """Return the seconds that a second try gets.

    ``limit`` is what a step gets now, ``bad_line`` whether loss, jitter or a round trip over 400 ms was seen,
    ``left`` the seconds to the deadline.
    """
    if bad_line and left > SECOND_TRY_LONG:
        return SECOND_TRY_LONG
    return max(SECOND_TRY, limit)


def _is_final(attempt: Attempt) -> bool:
    if refusal(attempt) is not None:
        return True
    return (
        attempt.failure is not None
        and attempt.failure.error in failures.PERMANENT_FAILURES | failures.LOCAL_FAILURES
    )
