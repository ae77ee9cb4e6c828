"""The entry points: whatever the caller does, nothing of a check is left behind."""

from __future__ import annotations

import gc
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

import circumvent
from circumvent.check.events import Finished, Started
from circumvent.check.settings import SettingsError
from circumvent.model.words import Reason, Status

if TYPE_CHECKING:
    from circumvent.model.report import Report
    from tests.lab.namespace import Network

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def quiet(**changes: Any) -> dict[str, Any]:
    """Settings of a check that contacts only what is named."""
    given = {"anchors": "none", "allow_private": True, "fast": True, "trust_anchor": "none"}
    return {**given, "control": ["https://127.0.0.1:9/#status=204"], **changes}


def black_holes(network: Network, count: int = 8) -> list[str]:
    return [f"socks5://{network.dropped[0]}:{20_000 + number}" for number in range(count)]


def handles() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


async def settle() -> None:
    """Let tasks that were cancelled have their last turns."""
    for _ in range(20):
        await anyio.lowlevel.checkpoint()


async def tasks() -> int:
    return len(anyio.get_running_tasks())


@pytest.mark.namespace
async def test_leaving_the_loop_leaves_nothing(network: Network) -> None:
    async def glance() -> None:
        async for event in circumvent.stream(black_holes(network), **quiet()):
            if not isinstance(event, Started):
                break

    await glance()
    await anyio.sleep(0.05)
    before_tasks, before = await tasks(), handles()
    for _ in range(3):
        await glance()
        await settle()
    await anyio.sleep(0.05)
    assert await tasks() == before_tasks
    assert handles() <= before


@pytest.mark.namespace
@pytest.mark.parametrize("after", [0, 1, 5, 20])
async def test_it_may_be_closed_at_any_moment(network: Network, after: int) -> None:
    stream = circumvent.stream(black_holes(network), **quiet())
    with anyio.move_on_after(0.3):
        for _ in range(after):
            await anext(stream)
    began = time.monotonic()
    await stream.aclose()
    await stream.aclose()
    assert time.monotonic() - began < 0.9


async def test_one_that_never_began_is_closed_too() -> None:
    await circumvent.stream("socks5://127.0.0.1:9", **quiet()).aclose()


@pytest.mark.namespace
async def test_stop_gives_a_partial_report_at_once(network: Network) -> None:
    began = 0.0
    report: Report | None = None
    async with circumvent.stream(black_holes(network, 40), **quiet()) as events:
        async for event in events:
            if not began and not isinstance(event, Started):
                began = time.monotonic()
                events.stop()
                events.stop()
            if isinstance(event, Finished):
                report = event.report
    assert time.monotonic() - began < 0.9
    assert report is not None
    assert not report.complete
    assert {one.reason for one in report.options if not one.baseline} == {Reason.INTERRUPTED}


@pytest.mark.namespace
async def test_the_deadline_is_exact_and_two_hundred_black_holes_leave_nothing(network: Network) -> None:
    await circumvent.acheck(black_holes(network, 1), **quiet(deadline=0.3))  # what is loaded once
    before, threads, before_tasks = handles(), threading.active_count(), await tasks()
    began = time.monotonic()
    report = await circumvent.acheck(black_holes(network, 200), **quiet(deadline=1.0))
    assert time.monotonic() - began < 1.0 + 1.5
    await settle()
    assert await tasks() == before_tasks
    assert handles() <= before
    assert threading.active_count() <= threads
    assert {one.reason for one in report.options} <= {Reason.DEADLINE, Reason.ENOUGH}


@pytest.mark.namespace
async def test_two_checks_at_once_do_not_disturb_each_other(network: Network) -> None:
    reports: list[Report] = []

    async def run(deadline: float) -> None:
        reports.append(await circumvent.acheck(black_holes(network), **quiet(deadline=deadline)))

    async with anyio.create_task_group() as group:
        group.start_soon(run, 0.5)
        group.start_soon(run, 1.0)
    assert [round(report.duration_s, 1) for report in reports] == pytest.approx([0.5, 1.0], abs=0.3)


@pytest.mark.namespace
async def test_a_caller_that_is_cancelled_takes_the_check_along(network: Network) -> None:
    before = await tasks()
    began = time.monotonic()
    with anyio.move_on_after(0.3):
        await circumvent.acheck(black_holes(network), **quiet())
    assert time.monotonic() - began < 1.2
    assert await tasks() == before


async def test_a_closed_port_is_a_report() -> None:
    report = await circumvent.acheck("socks5://127.0.0.1:9", **quiet(trials=1))
    (option,) = [one for one in report.options if not one.baseline]
    assert option.status is Status.UNREACHABLE


async def test_wrong_words_are_told_before_anything_runs() -> None:
    with pytest.raises(TypeError, match="unexpected keyword"):
        circumvent.stream("socks5://127.0.0.1:9", colour="red")
    with pytest.raises(SettingsError):
        circumvent.stream("socks5://127.0.0.1:9", trials=0)


def test_code_that_is_not_asynchronous_gets_a_report(tmp_path: Path) -> None:
    path = tmp_path / "links.txt"
    path.write_text("socks5://127.0.0.1:9\n", "ascii")
    report = circumvent.check(str(path), **quiet(trials=1))
    assert len([one for one in report.options if not one.baseline]) == 1
