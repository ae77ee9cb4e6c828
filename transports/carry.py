"""The proof, written once for every tunnel and proxy: controls fetched through it and held against what they must be.

A control is reached over ``dialer.stream``, TLS is verified inside the path against our own roots, and the answer is
judged by :mod:`circumvent.control`. So none of these is ever taken for a path that carries: a proxy that accepts and
forwards nothing, one that answers with a page of its own, a captive portal behind it, a man in the middle.

Steps: for each control those of the dialer, then ``control_tls`` and ``control_http``; one ``carry`` spans the fetches
from the first open stream on and holds the conclusion. Its detail: ``controls``, for each ``host``, ``operator``,
``ok``, ``status``, ``failure``; and ``partly``, the first failure where only some of the user's own controls failed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.record import Failure
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, Refusal, StepFailed
from circumvent.transports.idle import idle_through
from circumvent.transports.inside import fetch_control, open_inside
from circumvent.transports.sustain import sustain_through

if TYPE_CHECKING:
    from circumvent.control import Control
    from circumvent.model.option import Option
    from circumvent.model.record import Json
    from circumvent.net.stream import Dialer
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transport import Context

#: Connections to an option's endpoint that one try has open at once (``Kind.connections`` of the proxies).
AT_ONCE: Final = 2
#: Failures after which the same credentials are not shown again.
_NOT_AGAIN: Final = frozenset({failures.AUTH_REJECTED, failures.SOCKS_NO_ACCEPTABLE_METHOD})


async def carry_through(dialer: Dialer, option: Option, context: Context) -> None:
    """Prove that ``option``, by way of its ``dialer``, carries; then, if that is the goal, that it lasts.

    :raises StepFailed: when it does not carry (``carry`` or a step of the dialer), or does not last
        (``sustain_down``, ``sustain_up``; the proof then stays at ``carried``), or not while idle (``idle``).
    :raises CannotTry: when nothing was sent.
    """
    if not context.controls.at_once:
        raise CannotTry(Reason.UNSUPPORTED, "there is no control to fetch")
    await _Carry(dialer, option, context).run()
    bulk = context.controls.bulk
    if bulk is not None and context.trace.proof.at_least(Proof.CARRIED) and context.goal is Proof.SUSTAINED:
        await sustain_through(dialer, bulk, context)
    if context.idle is not None and context.trace.proof.at_least(Proof.CARRIED):
        await idle_through(dialer, context, context.idle)


@dataclass(slots=True)
class _Fetch:
    """One control, and what came of fetching it: ``error`` is ``None`` once it was right."""

    control: Control
    error: StepFailed | CannotTry | None = None
    status: int | None = None
    done: bool = False

    @property
    def right(self) -> bool:
        return self.done and self.error is None

    @property
    def failure(self) -> Failure | None:
        if isinstance(self.error, StepFailed):
            return self.error.failure
        return None if self.error is None else Failure(step="carry", error=self.error.error)

    def summary(self) -> dict[str, Json]:
        failure = self.failure
        return {
            "host": self.control.host,
            "operator": self.control.operator or None,
            "ok": self.right,
            "status": self.status,
            "failure": None if failure is None else failure.error,
        }


class _Carry:
    """The fetches of one try, and the conclusion from them."""

    def __init__(self, dialer: Dialer, option: Option, context: Context) -> None:
        self._dialer = dialer
        self._context = context
        self._plan = context.controls
        self._trace: Trace = context.trace
        self._fetches: list[_Fetch] = []
        self._slots = anyio.Semaphore(AT_ONCE)
        self._settled = anyio.Event()  # a first stream is open, or none will be
        self._over = anyio.Event()
        self._first_through = anyio.Event()  # the first connection is open, or failed
        self._streams = 0
        # With a password the first connection goes ahead: a wrong one is shown once and not twice at a time.
        self._one_first = option.user is not None or option.password is not None

    async def run(self) -> None:
        """Fetch what the plan says and raise the proof, or raise what failed."""
        failed: StepFailed | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(self._fetch_all)
            await self._settled.wait()
            if self._streams:
                failed = await self._conclude()
        if failed is not None:
            raise failed
        if not self._streams:
            raise self._first_error()
        self._trace.failure = None  # that of a single control, which the others outweigh

    async def _conclude(self) -> StepFailed | None:
        try:
            async with self._trace.step("carry", limit=math.inf) as step:  # each fetch has limits of its own
                await self._over.wait()
                self._decide(step)
        except StepFailed as exc:
            return exc
        return None

    def _first_error(self) -> StepFailed | CannotTry:
        errors = [fetch.error for fetch in self._fetches if fetch.error is not None]
        return next((error for error in errors if isinstance(error, StepFailed)), errors[0])

    async def _fetch_all(self) -> None:
        async with anyio.create_task_group() as group:
            for control in self._plan.at_once:
                if not self._rejected:
                    group.start_soon(self._fetch, self._begin(control))
                    if self._one_first:
                        await self._first_through.wait()
        failed = sum(not fetch.right for fetch in self._fetches)
        if self._plan.spare is not None and failed == 1 and not self._rejected:
            await self._fetch(self._begin(self._plan.spare))
        self._settled.set()
        self._over.set()

    @property
    def _rejected(self) -> bool:
        return any(fetch.failure is not None and fetch.failure.error in _NOT_AGAIN for fetch in self._fetches)

    def _begin(self, control: Control) -> _Fetch:
        """Add a fetch, in the order of the plan, however the tasks run."""
        fetch = _Fetch(control)
        self._fetches.append(fetch)
        return fetch

    async def _fetch(self, fetch: _Fetch) -> None:
        """Fetch one control, whatever comes of it; cancellation passes."""
        async with self._slots:
            try:
                await self._fetch_once(fetch)
            except (StepFailed, CannotTry) as exc:
                fetch.error = exc
        fetch.done = True
        self._first_through.set()

    async def _fetch_once(self, fetch: _Fetch) -> None:
        control, trace = fetch.control, self._trace
        stream = await self._dialer.stream(control.endpoint, trace)
        self._streams += 1
        self._settled.set()
        self._first_through.set()
        fresh = control.fresh(self._context.random)
        session = await open_inside(stream, fresh.url, self._context, step="control_tls")
        try:
            async with trace.step("control_http") as step:
                step.detail["host"] = control.host
                response = await fetch_control(session, fresh)
                fetch.status = step.detail["status"] = response.status
                wrong = fresh.judge(response.status, response.body)
                if wrong is not None:
                    raise PeerError(wrong, f"status {response.status}")
                if control.proof is Proof.CARRIED:
                    trace.carry_arrived(response.first_byte)
        finally:
            await session.aclose()

    def _decide(self, step: OpenStep) -> None:
        """Conclude from all fetches: raise the proof, or raise why it carries nothing.

        Built-in controls: all that were to be fetched at once must be right, the spare standing in for one.
        Given by hand: one is enough, and the first that failed is noted.
        """
        step.detail["controls"] = [fetch.summary() for fetch in self._fetches]
        wrong = [fetch for fetch in self._fetches if not fetch.right]
        proving = [f for f in self._fetches if f.right and f.control.proof is Proof.CARRIED]
        needed = 1 if self._plan.by_hand else len(self._plan.at_once)
        if len(proving) >= needed:
            self._trace.prove(Proof.CARRIED)
            if wrong and self._plan.by_hand:
                step.detail["partly"] = wrong[0].summary()
            return
        if not wrong:
            raise PeerError(
                failures.HTTP_REQUEST_FAILED, "a control over http:// without a stated answer proves nothing"
            )
        first = wrong[0].failure
        error = failures.UNKNOWN if first is None else first.error
        detail = wrong[0].control.host + ("" if first is None or not first.detail else f": {first.detail}")
        everywhere = {fetch.failure.error for fetch in wrong if fetch.failure is not None}
        if everywhere == {failures.GEO_REFUSED} and not proving:
            raise Refusal(error, detail, authenticated=True)
        raise PeerError(error, detail)
