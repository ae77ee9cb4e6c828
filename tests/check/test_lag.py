"""How busy our own loop was."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from circumvent.check.lag import LoopLag
from tests.check.fakes import virtual

pytestmark = pytest.mark.anyio


async def test_what_blocks_the_loop_shows() -> None:
    lag = LoopLag()
    async with anyio.create_task_group() as group:
        group.start_soon(lag.run)
        await anyio.sleep(0.05)
        time.sleep(0.08)  # noqa: ASYNC251 - blocking the loop is what this is about
        await anyio.sleep(0.03)
        group.cancel_scope.cancel()
    assert lag.milliseconds()["max"] >= 50


async def test_nothing_is_known_before_the_first_look() -> None:
    assert LoopLag().milliseconds() == {}


@pytest.mark.parametrize("anyio_backend", [virtual()])
async def test_an_idle_loop_is_on_time(anyio_backend: tuple[str, dict[str, Any]]) -> None:
    del anyio_backend
    lag = LoopLag()
    with anyio.move_on_after(10):
        await lag.run()
    assert lag.milliseconds() == {"p50": 0.0, "p95": 0.0, "max": 0.0}
