"""From what the check holds to what it says: option reports, the network, the report."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent import __version__
from circumvent.check.notes import notes
from circumvent.diagnose.verdict import Circumstances, decide
from circumvent.model.report import Bytes, Network, OptionReport, Report, RunSettings, Tool
from circumvent.model.words import NetworkState, Reason, Scope, Status
from circumvent.rank import advise
from circumvent.rank.order import on_one_footing
from circumvent.say.reasons import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from circumvent.check.notes import Course
    from circumvent.check.plan import Plan
    from circumvent.check.schedule import Entry
    from circumvent.diagnose.conclude import Conclusion
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.model.report import Target
    from circumvent.net.clock import Clock
    from circumvent.rank.order import Candidate

#: A round trip (s), or a part of packets lost, from which a line counts as bad.
SLOW_ROUND_TRIP: Final = 0.4
LOSSY: Final = 0.1
#: Connects to one address that differ by so much (s) show jitter.
JITTER: Final = 0.2
#: What a report shows of the settings of an option, where its kind has it: what it travels over, and whether its server
#: is silent to whom it does not know.
SHOWN: Final = ("transport", "wrapping")
#: What may be used, with limits or without.
USABLE: Final = frozenset({Status.WORKS, Status.DEGRADED, Status.UNSTABLE})


class Assembler:
    """Turns the state of a check into reports."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        """Assemble for ``plan``; ``clock`` gives the start."""
        self._plan = plan
        self._short = plan.short
        self._clock = clock
        self._facts: dict[str, Any] = {}
        self._liars: frozenset[str] = frozenset()
        self._candidates: dict[str, tuple[tuple[int, int, bool], Candidate | None]] = {}

    def candidates(self, entries: Iterable[Entry]) -> list[Candidate]:
        """Return what the ranking sees of these options, for the choice of repeats.

        Who lies is known from the last conclusion; the rest is of each option alone, and kept until it was tried
        again.
        """
        found = (self._candidate(entry) for entry in entries)
        seen = [one for one in found if one is not None]
        return on_one_footing(seen) if self._short else seen

    def _candidate(self, entry: Entry) -> Candidate | None:
        option = entry.option
        known = (len(entry.attempts), len(entry.counted), option.id in self._liars)
        kept = self._candidates.get(option.id)
        if kept is None or kept[0] != known:
            verdict = decide(entry.attempts, Circumstances(lies=option.id in self._liars))
            seen = msgspec.structs.replace(
                self._observed(entry), status=verdict.status, detail={"lies": option.id in self._liars}
            )
            proxied = bool(self._facts.get("tcp_proxied"))
            kept = known, advise.candidate(seen, without_connect=proxied)
            self._candidates[option.id] = kept
        return kept[1]

    def begin(self, entries: Iterable[Entry], facts: Mapping[str, Any]) -> tuple[OptionReport, ...]:
        """Take what is known before anything is sent; return the options as they stand then."""
        self._facts = dict(facts)
        return tuple(self._observed(entry) for entry in entries)

    def conclude(
        self, entries: Iterable[Entry], facts: Mapping[str, Any] | None = None, *, final: bool
    ) -> Conclusion:
        """Diagnose these options, with the facts known so far."""
        from circumvent.diagnose.conclude import conclude  # noqa: PLC0415 - nothing is concluded before packets fly

        if facts is not None:
            self._facts = dict(facts)
        chosen = list(entries)
        held = {entry.option.id: entry.held_back for entry in chosen if entry.held_back is not None}
        network = Network(
            state=NetworkState.UNKNOWN,
            interface=self._plan.interface,
            resolver=self._plan.resolver_shown,
            facts=self._facts,
        )
        concluded = conclude(
            [self._observed(entry) for entry in chosen], network, held_back=held, final=final
        )
        if facts is not None:
            self._liars = frozenset(one.id for one in concluded.options if one.detail.get("lies"))
        return concluded

    def report(
        self,
        entries: Sequence[Entry],
        facts: Mapping[str, Any],
        *,
        used: Bytes,
        course: Course,
        targets: Sequence[Target] = (),
        loop_lag_ms: Mapping[str, float] | None = None,
    ) -> Report:
        """Return the report of the whole check, which took this ``course``."""
        ended_by = course.ended_by
        for entry in entries:
            if entry.held_back is None and not entry.counted:
                entry.held_back = ended_by or Reason.DEADLINE
        concluded = self.conclude(entries, facts, final=True)
        proxied = bool(facts.get("tcp_proxied"))
        ranked = advise.ranking(concluded.options, without_connect=proxied, short=self._short)
        settings = self._plan.settings
        return Report(
            id=secrets.token_hex(8),
            started=f"{datetime.fromtimestamp(self._clock.started_wall, UTC):%Y-%m-%dT%H:%M:%SZ}",
            duration_s=round(self._clock.now(), 3),
            complete=ended_by is None,
            bytes=used,
            tool=Tool(version=__version__),
            settings=RunSettings(
                deadline_s=settings.seconds,
                trials=settings.trials,
                control=tuple(control.public_url for control in self._plan.controls if control.by_hand),
                careful=settings.careful,
                country=self._plan.country,
                builtin=settings.wants_builtin,
                anchors=settings.anchors != "none",
                long_list=self._short,
            ),
            network=msgspec.structs.replace(concluded.network, loop_lag_ms=dict(loop_lag_ms or {})),
            options=tuple(
                msgspec.structs.replace(option, text=text_of(option), with_tor=course.with_tor.get(option.id))
                for option in concluded.options
            ),
            targets=tuple(targets),
            ranking=ranked,
            recommendations=advise.recommendations(concluded.options, ranked, self._plan.places),
            notes=notes(course, entries),
        )

    def bad_line(self, round_trip: float | None, entries: Iterable[Entry] = ()) -> bool:
        """Tell whether loss, jitter or a long round trip was seen, so that second tries get more time."""
        if round_trip is not None and round_trip > SLOW_ROUND_TRIP:
            return True
        carried = [one for entry in entries for one in entry.counted if one.carried]
        return any(_lost(one) for one in carried) or _jitters(carried)

    @property
    def liars(self) -> frozenset[str]:
        """Return the resolvers that were shown to lie, as of the last conclusion."""
        return self._liars

    def _observed(self, entry: Entry) -> OptionReport:
        return observed(
            entry.option,
            entry.attempts,
            place=self._plan.places.get(entry.option.id),
            detail=self._plan.detail_of(entry.option.id),
            held_back=entry.held_back,
            held_detail=entry.held_detail,
        )


def observed(
    option: Option,
    attempts: Sequence[Attempt] = (),
    *,
    place: str | None = None,
    detail: Mapping[str, Any] | None = None,
    held_back: Reason | None = None,
    held_detail: str | None = None,
) -> OptionReport:
    """Return an option with its attempts and without a verdict yet."""
    about = dict(detail or {})
    for name in SHOWN:
        value = getattr(option.settings, name, None)
        if value is not None:
            about[name] = str(value)
    remotes = {str(one.transport) for one in getattr(option.settings, "remotes", ())}
    if remotes:
        about["transport"] = remotes.pop() if len(remotes) == 1 else "both"
    return OptionReport(
        id=option.id,
        kind=option.kind,
        label=option.label,
        scope=option.scope,
        exposure=option.exposure,
        endpoint=str(option.endpoint),
        status=Status.NOT_RUN,
        origin="user" if option.held_by_user else "catalogue",
        operator=option.operator,
        filtering=option.filtering,
        baseline=option.baseline,
        via=option.via,
        place=place,
        reason=held_back,
        reason_detail=held_detail,
        detail=about,
        attempts=tuple(rounded(attempt) for attempt in attempts),
    )


def _lost(attempt: Attempt) -> bool:
    """Tell whether a SYN of an attempt had to be sent again, or more than LOSSY of its datagrams were lost."""
    for step in attempt.steps:
        again, loss = step.detail.get("syn_retransmits"), step.detail.get("loss")
        if (isinstance(again, int) and again > 0) or (isinstance(loss, float) and loss > LOSSY):
            return True
    return False


def _jitters(carried: Sequence[Attempt]) -> bool:
    """Tell whether connects to one address differ by more than JITTER."""
    round_trips: dict[str, list[float]] = {}
    for attempt in carried:
        connect = attempt.step("connect")
        kernel = connect.detail.get("kernel_rtt_ms") if connect is not None else None
        if isinstance(kernel, int | float) and attempt.address is not None:
            round_trips.setdefault(attempt.address, []).append(kernel / 1000)
    return any(max(seen) - min(seen) > JITTER for seen in round_trips.values())


def exit_code(report: Report, *, need: str | None, interrupted: bool) -> int:
    """Return the exit code of ``check`` (``docs/contract.rst``): 0 before 4 before 3 before 1; 3 after a signal."""
    if interrupted:
        return 3
    tried = [option for option in report.options if not option.baseline]
    over_others = [option for link in report.links for option in link.options if not option.baseline]
    if any(_is_a_way(option, need) for option in (*tried, *over_others)):
        return 0
    if not tried and need in {None, Scope.DIRECT} and any(one.direct in USABLE for one in report.targets):
        return 0
    nowhere = {NetworkState.OFFLINE, NetworkState.LOCAL_ONLY, NetworkState.CAPTIVE_PORTAL}
    if report.network.state in nowhere:
        return 4
    reasons = {option.reason for option in tried} | {target.reason for target in report.targets}
    return 3 if reasons & {Reason.DEADLINE, Reason.BUDGET} else 1


def _is_a_way(option: OptionReport, need: str | None) -> bool:
    if option.status not in USABLE or option.detail.get("lies"):
        return False
    return option.scope == need if need is not None else option.scope is not Scope.VOICE


def rounded(attempt: Attempt) -> Attempt:
    """Return an attempt with times to a tenth of a millisecond, which is finer than anything measured."""
    return msgspec.structs.replace(
        attempt,
        t0=round(attempt.t0, 4),
        t=round(attempt.t, 4),
        latency_ms=None if attempt.latency_ms is None else round(attempt.latency_ms, 2),
        down_kbps=None if attempt.down_kbps is None else round(attempt.down_kbps, 1),
        up_kbps=None if attempt.up_kbps is None else round(attempt.up_kbps, 1),
        steps=tuple(
            msgspec.structs.replace(one, t0=round(one.t0, 4), t=round(one.t, 4)) for one in attempt.steps
        ),
    )
