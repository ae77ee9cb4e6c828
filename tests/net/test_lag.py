"""How busy our own loop was."""

from __future__ import annotations

import time
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from circumvent.net.lag import Lag
from circumvent.net.timeouts import PULSE, Timeouts
from tests.check.fakes import virtual

pytestmark = pytest.mark.anyio

BLOCKED = 0.2


async def test_what_blocks_the_loop_shows() -> None:
    timeouts = Timeouts()
    async with anyio.create_task_group() as group:
        group.start_soon(timeouts.watch)
        await anyio.wait_all_tasks_blocked()
        time.sleep(BLOCKED)  # noqa: ASYNC251 - blocking the loop is what this is about
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert timeouts.lag.milliseconds()["max"] >= (BLOCKED - PULSE) * 1000


def test_nothing_is_known_before_the_first_look() -> None:
    assert Lag().milliseconds() == {}


def test_the_percentiles_are_of_what_was_noted() -> None:
    lag = Lag()
    for milliseconds in range(100):
        lag.note(milliseconds / 1000)
    assert lag.milliseconds() == {"p50": 50.0, "p95": 95.0, "max": 99.0}


@pytest.mark.parametrize("anyio_backend", [virtual()])
async def test_an_idle_loop_is_on_time(anyio_backend: tuple[str, dict[str, Any]]) -> None:
    del anyio_backend
    timeouts = Timeouts()
    with anyio.move_on_after(10):
        await timeouts.watch()
    assert timeouts.lag.milliseconds() == {"p50": 0.0, "p95": 0.0, "max": 0.0}
