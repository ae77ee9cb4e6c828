"""The ``sustain_down`` step of a resolver, and ``idle``.

Over a stream: 32 KiB of answers on one connection, because some networks cut a flow after 16 KiB. Over
datagrams: twenty questions, of which at most a tenth may be lost. ``idle``: one more question on a stream that was left
alone for a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names.ask import Asker, Question
from circumvent.names.carry import ROOT_KEYS
from circumvent.net.errors import NetError, PeerError

if TYPE_CHECKING:
    from circumvent.net.trace import OpenStep

ENOUGH_DOWN: Final = 32 * 1024  #: bytes of answers over a stream
AT_ONCE: Final = 16  #: questions in flight over a stream
MOST_QUESTIONS: Final = 400  #: over a stream; with answers under 82 bytes it is not passed and not failed
STREAM_LIMIT: Final = 15.0  #: seconds

DATAGRAMS: Final = 20  #: questions over datagrams
LOST_AT_MOST: Final = 0.1  #: part of them
PACE: Final = 0.025  #: seconds between two of them
LAST_WAIT: Final = 1.0  #: seconds after the last one, or four round trips if that is more
LATE_ROUND_TRIPS: Final = 4  #: of the slowest answer so far: what is late on a full line is not lost
LATEST: Final = 5.0  #: seconds after the last one, at most, for that


async def sustain(asker: Asker) -> None:
    """Run the step and prove ``sustained``.

    :raises StepFailed: when the flow was cut, or too much was lost.
    """
    if asker.datagram:
        await _datagrams(asker)
    else:
        await _stream(asker)


async def idle(asker: Asker, seconds: float) -> None:
    """Leave the open stream alone for ``seconds``, then ask once more on it.

    :raises StepFailed: when no answer came. A server may close what is idle (RFC 7766 section 6.2.3): ``eof_error``.
    """
    trace = asker.trace
    limit = trace.timeouts.limit if trace.limit is None else trace.limit
    async with trace.step("idle", limit=seconds + limit) as step:
        step.detail["seconds"] = seconds
        await anyio.sleep(seconds)
        await asker.once(_small(asker))


async def _stream(asker: Asker) -> None:
    """Ask what gives the longest answer, sixteen at once, until 32 KiB have come."""
    trace = asker.trace
    before = trace.bytes_received
    question = await _longest(asker)
    async with trace.step("sustain_down", limit=STREAM_LIMIT) as step:
        began = trace.clock.now()
        flow = _Flow(asker, question)
        try:
            await flow.run()
        except BaseException:
            # Also when the limit ran out: silence after some bytes is the usual form of a cut.
            trace.cut_bytes = max(trace.bytes_received - before, flow.received)
            raise
        finally:
            _rate(step, flow, trace.clock.now() - began)
        if flow.received < ENOUGH_DOWN:
            step.detail["note"] = "answers too short to reach 32 KiB"
            return
        trace.down_kbps = flow.received * 8 / 1000 / max(trace.clock.now() - began, 0.001)
        trace.prove(Proof.SUSTAINED)


async def _longest(asker: Asker) -> Question:
    """Return the question whose answer was the longest so far; the root's keys are, where they are signed."""
    return asker.longest[1] if asker.longest is not None else ROOT_KEYS


class _Flow:
    """Questions in flight over one stream."""

    def __init__(self, asker: Asker, question: Question) -> None:
        self._ask = asker.again(question)
        self._failure: Exception | None = None
        self.asked = 0
        self.answered = 0
        self.received = 0

    async def run(self) -> None:
        """Ask until enough has come; an error of any question ends all, unwrapped."""
        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(self._worker, group.cancel_scope)
        if self._failure is not None:
            raise self._failure

    async def _worker(self, scope: anyio.CancelScope) -> None:
        try:
            while self.received < ENOUGH_DOWN and self.asked < MOST_QUESTIONS:
                if self._on_the_way() >= ENOUGH_DOWN:
                    return
                self.asked += 1
                size = await self._ask()
                self.answered += 1
                self.received += size
        except Exception as exc:  # noqa: BLE001 - raised again by run, outside the group
            self._failure = self._failure or exc
            scope.cancel()

    def _on_the_way(self) -> int:
        """Return how much will have come when all that was asked is answered, as far as can be told."""
        mean = self.received / self.answered if self.answered else 0
        return self.received + int((self.asked - self.answered) * mean)


def _rate(step: OpenStep, flow: _Flow, seconds: float) -> None:
    step.detail["queries"] = flow.asked
    step.detail["bytes"] = flow.received
    step.detail["seconds"] = round(seconds, 3)


def _small(asker: Asker) -> Question:
    """Return a question whose answer is short."""
    controls = asker.context.names.controls
    if controls:
        return Question(name=controls[0].name, rdtype=controls[0].rdtypes[0])
    return Question(name=".", rdtype="SOA")


async def _datagrams(asker: Asker) -> None:
    trace = asker.trace
    question = _small(asker)
    round_trip = trace.timeouts.round_trip or 0.0
    last_wait = max(LAST_WAIT, 4 * round_trip)
    answered = 0
    failure: Exception | None = None

    async def one() -> None:
        nonlocal answered, failure
        asked = trace.clock.now()
        try:
            await asker.once(question)
        except (OSError, PeerError) as exc:
            failure = exc
        else:
            answered += 1
            late = min(LATE_ROUND_TRIPS * (trace.clock.now() - asked), LATEST)
            trace.timeouts.grant(patience, DATAGRAMS * PACE + late)

    async with trace.step("sustain_down", limit=DATAGRAMS * PACE + max(last_wait, LATEST) + 1.0) as step:
        patience = trace.timeouts.open(DATAGRAMS * PACE + last_wait)
        try:
            with patience:
                async with anyio.create_task_group() as group:
                    for _ in range(DATAGRAMS):
                        group.start_soon(one)
                        await anyio.sleep(PACE)
        finally:
            trace.timeouts.close(patience)
        loss = 1 - answered / DATAGRAMS
        step.detail.update(queries=DATAGRAMS, answered=answered, loss=round(loss, 3))
        if loss > LOST_AT_MOST:
            raise NetError(failures.PACKET_LOSS, f"{answered} of {DATAGRAMS} answered") from failure
        trace.prove(Proof.SUSTAINED)
