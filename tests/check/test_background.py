"""A task of our own beside the caller's."""

from __future__ import annotations

import anyio
import pytest

from circumvent.check.background import Background

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_it_runs_beside_and_ends_when_told() -> None:
    ended: list[bool] = []
    begun = anyio.Event()

    async def function() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(True)

    background = Background()
    before = background.started
    background.start(function)
    await begun.wait()
    assert (before, background.started) == (False, True)
    await background.stop()
    assert ended == [True]


async def test_it_may_be_stopped_before_its_first_turn_and_before_it_began() -> None:
    async def function() -> None:
        await anyio.sleep_forever()

    await Background().stop()
    background = Background()
    background.start(function)
    await background.stop()
    await background.stop()


async def test_its_error_is_kept_for_whoever_reads() -> None:
    async def function() -> None:
        raise ValueError("broken")

    background = Background()
    background.start(function)
    await background.stop()
    assert background.error is None or isinstance(background.error, ValueError)
    failing = Background()
    failing.start(function)
    await anyio.sleep(0.01)
    assert isinstance(failing.error, ValueError)
    await failing.stop()
