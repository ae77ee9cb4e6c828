"""Carries a check out: phase 1 (baseline and options), second looks, phase 2 (triggers), and the end.

Nothing here judges. What is tried next is decided by :class:`~circumvent.check.schedule.Schedule`; what it means by
:mod:`circumvent.diagnose`. This module moves attempts between the two, under the budgets, and tells what happens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent import catalog
from circumvent.check import time_of_day
from circumvent.check.assemble import Assembler
from circumvent.check.baseline import Baseline
from circumvent.check.events import (
    AttemptFinished,
    AttemptStarted,
    FindingSeen,
    Finished,
    OptionDecided,
    Started,
    StateDecided,
    TorSeen,
)
from circumvent.check.notes import Course
from circumvent.check.patience import idle_minutes, leaders
from circumvent.check.quarantine import REST
from circumvent.check.runner import Runner, Task
from circumvent.check.schedule import Entry, Schedule, second_try_limit
from circumvent.check.second import second_looks
from circumvent.check.targets import not_tried, try_targets
from circumvent.check.triggers import SecondPhase, run_triggers
from circumvent.check.warm import FIRST, warm_up
from circumvent.check.with_tor import WithTor
from circumvent.diagnose.look import Look
from circumvent.diagnose.state import SECOND_LOOK, second_look
from circumvent.model.report import Bytes
from circumvent.model.words import NetworkState, Reason, Scope, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.check.events import Event
    from circumvent.check.plan import Plan
    from circumvent.check.runner import Outcome, Services
    from circumvent.check.schedule import Job
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.model.report import OptionReport, Target
    from circumvent.model.tor_run import TorPhase

#: Attempts under way at once; the caps on sockets are stricter, this bounds memory for long lists.
MOST_UNDER_WAY: Final = 128
#: The same where no option can make others needless: first tries then all come before second ones.
MOST_OF_ALL: Final = 256
#: Seconds between the starts of attempts: less noise in the figures, no cost to the whole.
START_SPACING: Final = 0.002
#: The part of the time that verdicts may be worked out in while packets are under way: with a long list one takes
#: long enough to make every round trip look longer.
SHARE: Final = 0.05
#: Reasons for stopping, as they stand in a record.
STOPPED: Final = {Reason.DEADLINE: "the deadline came", Reason.INTERRUPTED: "the check was stopped"}


class CheckRun:
    """One check under way."""

    def __init__(self, plan: Plan, services: Services, emit: Callable[[Event], None]) -> None:
        """Prepare a run of ``plan``; every event goes to ``emit`` as it happens."""
        self.plan = plan
        self._services = services
        self._emit = emit
        self._runner = Runner(
            services,
            on_carried=self._announce,
            max_bytes=plan.settings.max_bytes,
            fast=plan.settings.fast,
        )
        self._assembler = Assembler(plan, services.clock)
        self._schedule = Schedule(
            plan.order,
            trials=plan.settings.trials,
            enough=plan.enough,
            patient=plan.settings.patient,
            short=plan.short,
            candidates=self._assembler.candidates,
        )
        for option_id, reason, detail in plan.held_back:
            self._schedule.hold_back(option_id, reason, detail)
        self._baseline = Baseline(plan, services, self._runner.watch)
        self._with_tor = WithTor(
            plan.programs,
            system_dns=plan.settings.system_dns,
            now=services.clock.now,
            tell=self._tell_of_tor,
        )
        self._changed = anyio.Event()
        self._scope: anyio.CancelScope | None = None
        self._ended_by: Reason | None = None
        self._told: dict[str, Status] = {}
        self._found: set[str] = set()
        self._targets: list[Target] = []
        self._options: tuple[OptionReport, ...] = ()
        self._known: tuple[object, ...] | None = None
        self._news = anyio.Event()
        self._undecided: set[str] = set()
        self._looked_twice = False
        self._asking = 0
        self._penalty = False
        self._clock_moved: float | None = None

    def stop(self) -> None:
        """End the check now, with what is known (Ctrl-C)."""
        self._ended_by = Reason.INTERRUPTED
        if self._scope is not None:
            self._scope.cancel()

    async def run(self) -> None:
        """Run to the end, the deadline or :meth:`stop`; the last event is :class:`Finished`."""
        self._emit(self._started())
        limit = self.plan.settings.seconds - self._services.clock.now()
        with anyio.move_on_after(max(limit, 0.0)) as self._scope:
            if self._ended_by is None:
                await self._phases()
        if self._scope.cancelled_caught and self._ended_by is None:
            self._ended_by = Reason.DEADLINE
        self._finish()

    async def _phases(self) -> None:
        async with anyio.create_task_group() as teller:
            teller.start_soon(self._services.timeouts.watch)
            teller.start_soon(self._tell_as_it_goes)
            async with anyio.create_task_group() as whole:
                whole.start_soon(self._baseline.run, self._something_new)
                async with anyio.create_task_group() as group:
                    await self._try_all(group)
                await second_looks(
                    self._schedule, self._runner, self.plan.places, user_held=self.plan.settings.cross_check
                )
                await self._ask_tor()
                settings, clock = self.plan.settings, self._services.clock
                if settings.patient:
                    first = leaders(
                        self._schedule, self._assembler.candidates(self._schedule.entries.values())
                    )
                    await idle_minutes(first, self._runner, left=settings.seconds - clock.now())
                rest = catalog.residual_seconds(self.plan.country) or REST
                phase = SecondPhase(self._schedule, self._runner, clock, ends=settings.seconds, rest=rest)
                await run_triggers(self._schedule, phase, settings, self._decided)
                await try_targets(self.plan, self._schedule, phase, self._targets)
                self._penalty = phase.poisoned
                self._baseline.last_call()
            teller.cancel_scope.cancel()

    async def _try_all(self, group: anyio.abc.TaskGroup) -> None:
        for job in self._schedule.next_jobs(len(self.plan.order) - len(self.plan.options) + FIRST):
            group.start_soon(self._attempt, job)
        await anyio.sleep(START_SPACING)
        await warm_up(option.kind for option in self.plan.order)
        most = MOST_OF_ALL if self.plan.enough is None else MOST_UNDER_WAY
        while True:
            jobs = self._schedule.next_jobs(most - self._schedule.under_way)
            for job in jobs:
                group.start_soon(self._attempt, job)
                await anyio.sleep(START_SPACING)
            if not jobs:
                if self._schedule.done and not self._asking:
                    if await self._look_twice():
                        continue
                    return
                self._services.resolver.look_at(self._schedule.entries.values())
                self._changed = anyio.Event()
                await self._changed.wait()

    async def _ask_tor(self) -> None:
        """Let tor itself use the best bridges, where that was asked for."""
        await self._with_tor.run(
            self.plan.options,
            self._assembler.candidates(self._schedule.entries.values()),
            bytes_left=lambda: self.plan.settings.max_bytes - self._bytes_used,
        )

    def _tell_of_tor(self, option_id: str, phase: TorPhase | None) -> None:
        self._emit(
            TorSeen(
                option=option_id,
                percent=0 if phase is None else phase.percent,
                tag=None if phase is None else phase.tag,
                at=self._services.clock.now(),
                bytes_used=self._bytes_used,
            )
        )

    @property
    def _used(self) -> Bytes:
        used, tor = self._runner.used, self._with_tor
        return Bytes(sent=used.sent + tor.bytes_sent, received=used.received + tor.bytes_received)

    @property
    def _bytes_used(self) -> int:
        used = self._used
        return used.sent + used.received

    async def _look_twice(self) -> bool:
        """Before it is said that only home answers: all anchors once more, three seconds later. Tell if so."""
        self._look_again()
        look = Look(self._options, self._baseline.facts)
        anchors = [self._schedule.entries[one] for one in second_look(look)]
        if not anchors or self._looked_twice:
            return False
        self._looked_twice = True
        last = max(entry.counted[0].t0 for entry in anchors)
        await anyio.sleep(max(last + SECOND_LOOK - self._services.clock.now(), 0.0))
        self._schedule.look_again(entry.option.id for entry in anchors)
        return True

    async def _attempt(self, job: Job) -> None:
        self._emit(AttemptStarted(option=job.option.id, at=self._services.clock.now()))
        outcome = await self._runner.run(self._task(job))
        moved = self._take(job, outcome) or await self._ask_the_time()
        if moved:
            self._clock_moved = self._services.clock.now()
        if self._clock_moved is not None and (moved or outcome.attempt.t0 < self._clock_moved):
            self._schedule.reopen(time_of_day.OF_DATES, time_of_day.WHY, before=self._clock_moved)
        self._decided(job.option)
        self._changed.set()

    async def _ask_the_time(self) -> bool:
        """Ask servers whose certificates fail for their dates alone; what comes of it may reopen what is done."""
        self._asking += 1
        try:
            return await self._baseline.ask_the_time(self._runner)
        finally:
            self._asking -= 1

    def _task(self, job: Job) -> Task:
        limit = None
        if job.more_time:
            limit = second_try_limit(
                limit=self._services.timeouts.limit,
                bad_line=self._assembler.bad_line(
                    self._services.timeouts.round_trip, self._schedule.entries.values()
                ),
                left=self.plan.settings.seconds - self._services.clock.now(),
            )
        return Task(option=job.option, number=job.number, goal=job.goal, limit=limit, alone=job.alone)

    def _take(self, job: Job, outcome: Outcome) -> bool:
        """Keep what came of an attempt; tell whether it put our clock right."""
        attempts = self._schedule.entries[job.option.id].attempts
        attempts.extend(outcome.losers)
        if outcome.cannot is not None:
            if outcome.attempt.bytes_sent:
                attempts.append(outcome.attempt)
            self._schedule.drop(job, outcome.cannot.reason, outcome.cannot.detail)
            return False
        self._schedule.finished(job, outcome.attempt, shared=outcome.shared)
        self._services.resolver.take(job.option, outcome.attempt)
        self._emit(
            AttemptFinished(
                option=job.option.id,
                attempt=outcome.attempt,
                at=self._services.clock.now(),
                bytes_used=self._bytes_used,
            )
        )
        return self._baseline.take(job.option, outcome.attempt)

    def _announce(self, option: Option, attempt: Attempt) -> None:
        """Tell that a tunnel carried, or the first resolver was found honest, before many bytes are through it.

        A resolver is held against what all others said, which takes a while: only the first is told so soon.
        """
        if option.baseline or option.id in self._told:
            return
        entries = [Entry(option, attempts=[attempt])]
        if option.scope is Scope.NAMES:
            if self._works(Scope.NAMES):
                return
            entries += [one for one in self._schedule.entries.values() if one.attempts]
        self._tell(self._assembler.conclude(entries, final=False).options[0])

    def _works(self, scope: Scope) -> bool:
        """Tell whether an option of this scope was told to work."""
        entries = self._schedule.entries
        told = (entries[name].option for name, status in self._told.items() if status is Status.WORKS)
        return any(option.scope is scope for option in told)

    def _decided(self, option: Option) -> None:
        """Take note that an attempt of an option ended, so that its verdict is told soon."""
        self._services.resolver.look_at(self._schedule.entries.values())
        self._undecided.add(option.id)
        self._something_new()

    def _something_new(self) -> None:
        self._news.set()
        self._changed.set()

    async def _tell_as_it_goes(self) -> None:
        """Conclude at once when something is new, and then only as often as :data:`SHARE` allows."""
        while True:
            await self._news.wait()
            self._news = anyio.Event()
            began = anyio.current_time()
            self._look_again()
            await anyio.sleep((anyio.current_time() - began) / SHARE)

    def _tell(self, option: OptionReport) -> None:
        if self._told.get(option.id) is not option.status:
            self._told[option.id] = option.status
            self._emit(OptionDecided(option=option, at=self._services.clock.now()))

    def _look_again(self) -> None:
        """Decide the state and the findings from what is known, and tell what is new."""
        concluded = self._assembler.conclude(
            self._schedule.entries.values(), self._baseline.facts, final=False
        )
        self._options = concluded.options
        network, now = concluded.network, self._services.clock.now()
        known = (network.state, network.ipv4, network.ipv6, network.udp)
        if known != self._known and network.state is not NetworkState.UNKNOWN:
            self._known = known
            self._emit(StateDecided(network=network, at=now))
        for finding in network.findings:
            if finding.kind not in self._found:
                self._found.add(finding.kind)
                self._emit(FindingSeen(finding=finding, at=now))
        self._tell_decided(concluded.options)

    def _tell_decided(self, options: Sequence[OptionReport]) -> None:
        """Tell the verdict on options whose attempts ended, but for those that are tried once more already."""
        waiting = {one for one in self._undecided if not self._schedule.entries[one].busy}
        for option in options:
            if option.id in waiting:
                self._undecided.discard(option.id)
                if not option.baseline:
                    self._tell(option)

    def _started(self) -> Started:
        options = self._assembler.begin(self._schedule.entries.values(), self._baseline.facts)
        return Started(
            options=tuple(option for option in options if not option.baseline),
            deadline_s=self.plan.settings.seconds,
            max_bytes=self.plan.settings.max_bytes,
            interface=self.plan.interface,
        )

    def _finish(self) -> None:
        if self._ended_by is not None:
            for option, attempt in self._runner.stopped(STOPPED[self._ended_by]):
                if option.id in self._schedule.entries:
                    self._schedule.entries[option.id].attempts.append(attempt)
        self._baseline.look_at_gateway()
        for url in self.plan.targets[len(self._targets) :]:
            self._targets.append(not_tried(url, self._ended_by or Reason.DEADLINE))
        report = self._assembler.report(
            list(self._schedule.entries.values()),
            self._baseline.facts,
            used=self._used,
            course=Course(
                ended_by=self._ended_by,
                skew=self._services.clock.skew,
                penalty=self._penalty,
                with_tor=self._with_tor.runs(self._ended_by),
            ),
            targets=self._targets,
            loop_lag_ms=self._services.timeouts.lag.milliseconds(),
        )
        self._tell_decided(report.options)
        self._emit(Finished(report=report))
