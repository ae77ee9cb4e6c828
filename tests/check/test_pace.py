"""What marks the user: few new destinations a minute, few at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.check.pace import AT_ONCE, NEW_PER_MINUTE, MarkingPace
from circumvent.model.words import Exposure
from tests.check.fakes import make, virtual

if TYPE_CHECKING:
    from circumvent.model.option import Option

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def relay(number: int, **fields: Any) -> Option:
    given = {"user": False, "exposure_override": Exposure.MARKING, **fields}
    return make(f"relay{number}", host=f"127.7.0.{number + 1}", **given)


async def begin_all(pace: MarkingPace, options: list[Option], seconds: float) -> tuple[list[float], int]:
    """Begin all at once; return when each got its turn, and the most that were under way together."""
    began, times, now, most = anyio.current_time(), [], 0, 0

    async def attempt(option: Option) -> None:
        nonlocal now, most
        async with pace.turn(option):
            times.append(anyio.current_time() - began)
            now += 1
            most = max(most, now)
            await anyio.sleep(seconds)
            now -= 1

    async with anyio.create_task_group() as group:
        for option in options:
            group.start_soon(attempt, option)
    return sorted(times), most


async def test_twenty_new_ones_a_minute_and_four_at_once() -> None:
    times, most = await begin_all(MarkingPace(), [relay(n) for n in range(50)], 0.1)
    assert most == AT_ONCE
    for first, later in zip(times, times[NEW_PER_MINUTE:], strict=False):
        assert later - first == pytest.approx(60) or later - first > 60


async def test_an_old_destination_is_not_a_new_one() -> None:
    pace = MarkingPace()
    await begin_all(pace, [relay(n) for n in range(NEW_PER_MINUTE)], 0.1)
    times, _ = await begin_all(pace, [relay(0)], 0.1)
    assert times == [0]


@pytest.mark.parametrize("fields", [{"user": True}, {"exposure_override": Exposure.NOTABLE}])
async def test_what_the_user_named_and_what_marks_nobody_is_exempt(fields: dict[str, Any]) -> None:
    times, most = await begin_all(MarkingPace(), [relay(n, **fields) for n in range(50)], 0.1)
    assert times[-1] == 0
    assert most == 50


async def test_fast_lifts_it() -> None:
    times, _ = await begin_all(MarkingPace(fast=True), [relay(n) for n in range(50)], 0.1)
    assert times[-1] == 0
