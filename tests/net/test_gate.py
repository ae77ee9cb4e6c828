"""The crypto gate: one operation a turn, whatever the loop, whoever is cancelled."""

from __future__ import annotations

import anyio
import pytest
from anyio.lowlevel import checkpoint

from circumvent.net.gate import crypto

pytestmark = pytest.mark.anyio


async def test_the_loop_turns_between_two_operations() -> None:
    log: list[str] = []

    async def watch() -> None:
        while log.count("op") < 5:
            log.append("turn")
            await checkpoint()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        for _ in range(5):
            group.start_soon(crypto, log.append, "op")
    words = "".join(word[0] for word in log)
    assert "oo" not in words


async def test_results_and_errors_come_through() -> None:
    assert await crypto(int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        await crypto(lambda: 1 // 0)
    assert await crypto(int, "7") == 7


async def test_a_cancelled_waiter_leaves_the_gate_open() -> None:
    done: list[int] = []
    async with anyio.create_task_group() as group:
        group.start_soon(crypto, done.append, 1)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await crypto(done.append, 2)
        group.start_soon(crypto, done.append, 3)
    assert done == [1, 3]


async def test_what_ran_is_told_even_when_cancelled_meanwhile() -> None:
    with anyio.CancelScope() as scope:

        def cancel() -> int:
            scope.cancel()
            return 5

        assert await crypto(cancel) == 5


def test_each_run_of_a_loop_has_its_own_gate() -> None:
    for _ in range(2):
        assert anyio.run(crypto, int, "3") == 3
