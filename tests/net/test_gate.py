"""The crypto gate: one operation a turn, whatever the loop, whoever is cancelled."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import pytest
from anyio.lowlevel import checkpoint

from circumvent.net.clock import Clock
from circumvent.net.gate import begin_crypto, crypto
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio
#: Trio begins tasks in any order.
IN_ORDER = pytest.mark.parametrize("anyio_backend", ["asyncio"])


def attempt() -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts())


async def test_the_loop_turns_between_two_operations() -> None:
    log: list[str] = []

    async def watch() -> None:
        while log.count("op") < 5:
            log.append("turn")
            await checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        for _ in range(5):
            group.start_soon(crypto, attempt(), log.append, "op")
    words = "".join(word[0] for word in log)
    assert "oo" not in words


async def test_results_and_errors_come_through() -> None:
    assert await crypto(attempt(), int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        await crypto(attempt(), lambda: 1 // 0)
    assert await crypto(attempt(), int, "7") == 7


async def test_a_cancelled_waiter_leaves_the_gate_open() -> None:
    done: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(crypto, attempt(), done.append, 1)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await crypto(attempt(), done.append, 2)
        group.start_soon(crypto, attempt(), done.append, 3)
    assert done == [1, 3]


async def test_what_ran_is_told_even_when_cancelled_meanwhile() -> None:
    with anyio.CancelScope() as scope:

        def cancel() -> int:
            scope.cancel()
            return 5

        assert await crypto(attempt(), cancel) == 5


def test_each_run_of_a_loop_has_its_own_gate() -> None:
    for _ in range(2):
        assert anyio.run(crypto, attempt(), int, "3") == 3


@IN_ORDER
async def test_handshakes_under_way_go_before_those_that_begin() -> None:
    done: list[str] = []
    async with anyio.create_task_group() as group:
        group.start_soon(crypto, attempt(), done.append, "first come")
        for number in range(3):
            group.start_soon(begin_crypto, attempt(), done.append, f"begin {number}")
            group.start_soon(crypto, attempt(), done.append, f"go on {number}")
    assert done == ["first come", "go on 0", "go on 1", "go on 2", "begin 0", "begin 1", "begin 2"]


@IN_ORDER
async def test_a_turn_given_to_somebody_cancelled_is_passed_on() -> None:
    done: list[int] = []
    async with anyio.create_task_group() as group:
        scopes = [anyio.CancelScope() for _ in range(3)]

        async def wait(number: int) -> None:
            with scopes[number]:
                await crypto(attempt(), done.append, number)

        def cancel_others() -> None:
            scopes[0].cancel()
            scopes[1].cancel()

        group.start_soon(crypto, attempt(), cancel_others)
        for number in range(3):
            group.start_soon(wait, number)
    assert done == [2]


@IN_ORDER
async def test_the_wait_for_a_turn_is_no_time_of_the_networks() -> None:
    """A step waits at the gate for longer than its limit, and has all of its limit after that."""
    trace = attempt()
    clock = trace.clock
    done: list[float] = []

    def slow() -> None:
        until = clock.now() + 0.03
        while clock.now() < until:
            pass
        done.append(until)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(crypto, attempt(), slow)
        await checkpoint()
        async with trace.step("tls_handshake", limit=0.1):
            await begin_crypto(trace, int, "3")
            assert len(done) == 10
    assert trace.attempt().counted


@IN_ORDER
async def test_an_account_that_breaks_leaves_the_gate_open() -> None:
    class Broken:
        @contextmanager
        def waiting(self) -> Iterator[None]:
            yield
            raise LookupError

    done: list[int] = []

    async def broken() -> None:
        with pytest.raises(LookupError):
            await crypto(Broken(), done.append, 0)

    async with anyio.create_task_group() as group:
        group.start_soon(crypto, attempt(), done.append, 1)
        group.start_soon(broken)
        group.start_soon(crypto, attempt(), done.append, 2)
    await crypto(attempt(), done.append, 3)
    assert {1, 2, 3} <= set(done)


async def test_a_step_that_ends_beside_a_waiting_one_is_no_trouble() -> None:
    """Two steps of one attempt run side by side; one waits at the gate while the other ends."""
    trace = attempt()
    done: list[int] = []

    async def waits() -> None:
        async with trace.step("one"):
            await crypto(trace, done.append, 1)

    async def ends() -> None:
        async with trace.step("two"):
            await checkpoint()

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(crypto, attempt(), done.append, 10 + number)
            group.start_soon(ends)
            group.start_soon(waits)
    assert trace.failure is None
    assert done.count(1) == 5
