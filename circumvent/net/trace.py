"""The record of one attempt while it runs.

Transports and streams write here and nowhere else; :meth:`Trace.attempt` makes the frozen record. A step is
closed on every way out: an exception becomes its failure (:mod:`circumvent.net.failure`) and is raised again as
:class:`StepFailed`; our own time limit becomes ``generic_timeout_error``; a cancellation from outside (deadline,
Ctrl-C) leaves the step without failure and passes on, because it says nothing about the network.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from circumvent.model import failure as failures
from circumvent.model.record import Attempt, Failure, Fidelity, Step
from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry, Refusal, StepFailed
from circumvent.net.failure import translate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    import anyio

    from circumvent.model.record import Json
    from circumvent.net.clock import Clock
    from circumvent.net.timeouts import Timeouts


#: Why an attempt does not count that ran out of time because this process did not get enough of it.
BUSY: Final = "this machine was busy"


class FactSource(Protocol):
    """A socket that can tell what the kernel knows about it."""

    def facts(self) -> dict[str, Json]:
        """Return facts such as ``retransmits``; empty where the platform has none."""


@dataclass(slots=True)
class OpenStep:
    """A step that has begun. ``detail`` may be filled while it runs.

    ``ended`` is set where something knows better than this loop when it was over (the kernel).
    """

    name: str
    t0: float
    ended: float | None = None
    detail: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Loser:
    """A connection that lost the race between address families (RFC 8305)."""

    address: str
    family: str
    t0: float
    t: float
    failure: Failure | None


class Trace:
    """What one attempt has done so far."""

    def __init__(
        self, attempt_id: str, *, clock: Clock, timeouts: Timeouts, phase: int = 1, limit: float | None = None
    ) -> None:
        """Begin a record. ``limit`` (seconds) replaces the adaptive step limit, for second tries."""
        self.id = attempt_id
        self.clock = clock
        self.timeouts = timeouts
        self.phase = phase
        self.limit = limit
        self.proof = Proof.NONE
        self.failure: Failure | None = None
        self.family: str | None = None
        self.address: str | None = None
        self.fidelity = Fidelity()
        self.bytes_sent = 0
        self.bytes_received = 0
        self.down_kbps: float | None = None
        self.up_kbps: float | None = None
        self.cut_bytes: int | None = None
        self.losers: list[Loser] = []
        self.on_proof: Callable[[Proof], None] | None = None
        self.on_step: Callable[[str], None] | None = None
        self._t0 = clock.now()
        self._steps: list[Step] = []
        self._first_packet: float | None = None
        self._carried: float | None = None
        self._waited = 0.0
        self._late: list[tuple[float, float]] = []
        self._awake = 0.0
        self._open: list[anyio.CancelScope] = []
        self._why: str | None = None
        self._sources: list[FactSource] = []

    @asynccontextmanager
    async def step(self, name: str, *, limit: float | None = None) -> AsyncIterator[OpenStep]:
        """Run one step of the attempt under its time limit (seconds; default: the adaptive one).

        :raises StepFailed: when the body raised or the limit ran out. :class:`CannotTry` passes unchanged.
        """
        step = OpenStep(name, self.clock.now())
        scope = self.timeouts.open(self.limit if limit is None else limit)
        self._open.append(scope)
        failure: Failure | None = None
        cause: Exception | None = None
        try:
            with scope:
                yield step
        except CannotTry:
            raise
        except Exception as exc:  # noqa: BLE001 - the one place where any error becomes a failure string
            cause = exc
            failure = exc.failure if isinstance(exc, StepFailed) else translate(exc, name)
            step.detail.update(self._facts())
            if isinstance(exc, Refusal):
                step.detail["refusal"] = {"authenticated": exc.authenticated}
        else:
            if scope.cancelled_caught:
                failure = Failure(step=name, error=failures.GENERIC_TIMEOUT)
                step.detail.update(self._facts())
        finally:
            if failure is not None and failure.error in failures.TIMEOUT_FAILURES:
                fair = self.timeouts.fair(scope, timed_out=scope.cancelled_caught)
                self._why = self._why if fair else BUSY
            self.timeouts.close(scope)
            self._open.remove(scope)
            self._steps.append(
                Step(name=name, t0=step.t0, t=self._end(step, failure), failure=failure, detail=step.detail)
            )
        if failure is not None:
            self.failure = failure
            raise StepFailed(failure) from cause
        if self.on_step is not None:
            self.on_step(name)

    def _end(self, step: OpenStep, failure: Failure | None) -> float:
        """Return when a step was over: as the kernel saw it, unless it failed after that."""
        now = self.clock.now()
        if step.ended is None or failure is not None:
            return now
        return min(max(step.ended, step.t0), now)

    def add_step(self, step: Step) -> None:
        """Add a step that was timed elsewhere (a look-up that ran beside the attempt)."""
        self._steps.append(step)

    def prove(self, proof: Proof) -> None:
        """Raise the proof to ``proof``; it is never lowered."""
        if proof.rung > self.proof.rung:
            self.proof = proof
            if self.on_proof is not None:
                self.on_proof(proof)

    def restart(self) -> None:
        """Let the attempt begin now: it has waited for its turn, and nothing was sent yet."""
        self._t0 = self.clock.now()

    def watch(self, source: FactSource) -> None:
        """Ask this socket for kernel facts when a step fails; the last one watched is asked."""
        self._sources.append(source)

    def unwatch(self, source: FactSource) -> None:
        """Stop asking this socket (it is closed). The only one stays: its last facts explain the failure."""
        if source in self._sources and len(self._sources) > 1:
            self._sources.remove(source)

    def another_way(self) -> None:
        """Forget the failure and the first packet: what follows goes to another server of the same option."""
        self.failure = None
        self._first_packet = None
        self._waited = 0.0

    def first_packet(self) -> None:
        """Mark the moment before the attempt's first packet leaves."""
        if self._first_packet is None:
            self._first_packet = self.clock.now()

    def carry_arrived(self, at: float | None = None) -> None:
        """Mark the arrival of the first byte of the ``carry`` answer (``at``: clock seconds, default now)."""
        if self._carried is None:
            self._carried = self.clock.now() if at is None else at

    def round_trip(self, seconds: float) -> None:
        """Take note of an end-to-end round trip."""
        self.timeouts.observe(seconds)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Mark time that we spend waiting for ourselves: no step's limit counts it, nor does the latency."""
        before = self.clock.now()
        try:
            with self.timeouts.waiting(tuple(self._open)):
                yield
        finally:
            if self._first_packet is not None and self._carried is None:
                self._waited += self.clock.now() - before
            self._awake = self.clock.now()

    @property
    def timing(self) -> bool:
        """Tell whether the latency is still being measured."""
        return self._first_packet is not None and self._carried is None

    def late(self, seconds: float) -> None:
        """Note that what we read just now had been there for ``seconds``: our time, not the network's.

        Each moment counts once, however many connections had something to read in it.
        """
        now = self.clock.now()
        if self.timing:
            self._late.append((now, max(min(seconds, now - self._awake), 0.0)))
        self._awake = now

    @property
    def latency_ms(self) -> float | None:
        """Return milliseconds from the first packet to the first byte of the carry answer."""
        if self._first_packet is None or self._carried is None:
            return None
        late = sum(seconds for at, seconds in self._late if at <= self._carried)
        return max(self._carried - self._first_packet - self._waited - late, 0.0) * 1000

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps closed so far."""
        return tuple(self._steps)

    def attempt(self) -> Attempt:
        """Return the frozen record of what has happened so far."""
        return Attempt(
            id=self.id,
            t0=self._t0,
            t=self.clock.now(),
            phase=self.phase,
            counted=self._why is None,
            why=self._why,
            family=self.family,
            address=self.address,
            proof=self.proof,
            failure=self.failure,
            bytes_sent=self.bytes_sent,
            bytes_received=self.bytes_received,
            latency_ms=self.latency_ms,
            down_kbps=self.down_kbps,
            up_kbps=self.up_kbps,
            cut_bytes=self.cut_bytes,
            fidelity=self.fidelity,
            steps=self.steps,
        )

    def _facts(self) -> dict[str, Json]:
        return {"tcp": facts} if self._sources and (facts := self._sources[-1].facts()) else {}
