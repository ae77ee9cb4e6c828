"""Step limits: from round trips, and fair to the network when this machine is busy."""

from __future__ import annotations

import errno
import time
from typing import TYPE_CHECKING

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net.clock import Clock
from circumvent.net.errors import StepFailed
from circumvent.net.timeouts import LONGEST, SHORTEST, Timeouts, handshake_limit
from circumvent.net.trace import BUSY, Trace

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
SECONDS = st.floats(0, 100, allow_nan=False)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def watched() -> AsyncIterator[Trace]:
    """Give an attempt whose event loop is watched, as in a check."""
    timeouts = Timeouts()
    async with anyio.create_task_group() as group:
        group.start_soon(timeouts.watch)
        await anyio.wait_all_tasks_blocked()
        yield Trace("a1", clock=Clock(), timeouts=timeouts)
        group.cancel_scope.cancel()


def block(seconds: float) -> None:
    """Keep the event loop from turning."""
    time.sleep(seconds)


@given(st.lists(SECONDS))
def test_the_limit_lies_between_its_bounds(round_trips: list[float]) -> None:
    assert SHORTEST <= handshake_limit(round_trips) <= LONGEST


@given(st.lists(SECONDS), SECONDS)
def test_another_round_trip_never_lowers_the_limit(round_trips: list[float], more: float) -> None:
    assert handshake_limit([*round_trips, more]) >= handshake_limit(round_trips)


async def test_a_long_round_trip_gives_running_steps_more_time() -> None:
    timeouts = Timeouts()
    adaptive, fixed = timeouts.open(), timeouts.open(1.0)
    before, other = adaptive.deadline, fixed.deadline
    timeouts.observe(1.0)
    assert adaptive.deadline == pytest.approx(before + 6.0 - SHORTEST)
    assert fixed.deadline == other


async def test_an_own_limit_can_be_raised_and_is_never_lowered() -> None:
    timeouts = Timeouts()
    adaptive, own = timeouts.open(), timeouts.open(1.0)
    before, other = own.deadline, adaptive.deadline
    timeouts.grant(own, 3.0)
    timeouts.grant(own, 2.0)
    timeouts.grant(adaptive, 100.0)
    assert own.deadline == pytest.approx(before + 2.0)
    assert adaptive.deadline == other


async def test_silence_on_a_calm_machine_counts(watched: Trace) -> None:
    with pytest.raises(StepFailed):
        async with watched.step("connect", limit=0.15):
            await anyio.sleep_forever()
    attempt = watched.attempt()
    assert attempt.failure is not None
    assert attempt.failure.error == failures.GENERIC_TIMEOUT
    assert attempt.counted


async def test_what_the_loop_was_late_is_added_to_the_limit(watched: Trace) -> None:
    """The loop stands still for most of the limit; an answer after the limit is still in time."""
    async with watched.step("tls_handshake", limit=0.4):
        await anyio.sleep(0.02)
        block(0.3)
        await anyio.sleep(0.25)  # beyond the limit, had the clock run on
    assert watched.failure is None


async def test_a_limit_that_passed_while_the_loop_stood_still_says_nothing_of_the_network(
    watched: Trace,
) -> None:
    async def connect() -> None:
        async with watched.step("connect", limit=0.2):
            await anyio.sleep(0.02)
            block(0.4)
            await anyio.sleep_forever()

    with pytest.raises(StepFailed, match=failures.GENERIC_TIMEOUT):
        await connect()
    attempt = watched.attempt()
    assert (attempt.counted, attempt.why) == (False, BUSY)


async def test_a_shorter_limit_inside_a_step_is_judged_too(watched: Trace) -> None:
    async def carry() -> None:
        async with watched.step("carry", limit=5.0):
            with anyio.fail_after(0.2):
                await anyio.sleep(0.02)
                block(0.4)
                await anyio.sleep_forever()

    with pytest.raises(StepFailed, match=failures.GENERIC_TIMEOUT):
        await carry()
    assert watched.attempt().why == BUSY


async def test_a_refusal_on_a_busy_machine_is_a_refusal(watched: Trace) -> None:
    async def connect() -> None:
        async with watched.step("connect", limit=5.0):
            block(0.3)
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")

    with pytest.raises(StepFailed, match=failures.CONNECTION_REFUSED):
        await connect()
    assert watched.attempt().counted


async def test_a_busy_machine_gives_no_more_than_so_much() -> None:
    timeouts = Timeouts()
    scope = timeouts.open(1.0)
    began = scope.deadline - 1.0
    with timeouts.waiting([scope]):
        assert scope.deadline == pytest.approx(began + 1.0 + LONGEST)
    assert scope.deadline < began + 1.5


async def test_a_step_may_end_while_another_task_of_its_attempt_waits() -> None:
    timeouts = Timeouts()
    scope = timeouts.open(1.0)
    with timeouts.waiting([scope]):
        timeouts.close(scope)
    timeouts.observe(1.0)  # nothing is left to extend
