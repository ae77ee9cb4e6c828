"""The budget of bytes: given what is used and promised, expect who may begin."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from circumvent.check.budget import ByteBudget, cost, needs
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.words import Proof
from tests.check.fakes import virtual

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


async def test_what_fits_is_promised_and_what_never_will_is_refused() -> None:
    budget = ByteBudget(100, lambda: 50)
    async with budget.promise(50) as granted:
        assert granted
    async with budget.promise(51) as granted:
        assert not granted


async def test_who_comes_late_waits_for_what_others_may_leave() -> None:
    budget = ByteBudget(100, lambda: 0)
    order: list[str] = []

    async def attempt(name: str, seconds: float) -> None:
        async with budget.promise(80) as granted:
            assert granted
            order.append(f"{name} begins")
            await anyio.sleep(seconds)
            order.append(f"{name} ends")

    async with anyio.create_task_group() as group:
        for number, name in enumerate("abc", 1):
            group.start_soon(attempt, name, number)
    begins, ends = order[::2], order[1::2]
    assert [one.split()[0] for one in begins] == [one.split()[0] for one in ends]
    assert len(begins) == 3


async def test_a_promise_that_was_cancelled_is_free_again() -> None:
    budget = ByteBudget(100, lambda: 0)
    with anyio.move_on_after(1):
        async with budget.promise(100):
            await anyio.sleep_forever()
    async with budget.promise(100) as granted:
        assert granted


@pytest.mark.parametrize(
    ("kind", "sustained", "carried"),
    [("dot", 120_000, 20_000), ("obfs4", 240_000, 40_000), ("wireguard", 200_000, 40_000)],
)
def test_a_bridge_or_a_tunnel_is_promised_more_bytes(kind: str, sustained: int, carried: int) -> None:
    one = Option(
        id="a",
        kind=kind,
        label="a",
        endpoint=Endpoint(host="a.example", port=443),
        origin=Origin(source="argument"),
    )
    assert [cost(one, goal) for goal in (Proof.SUSTAINED, Proof.CARRIED)] == [sustained, carried]
    assert needs([one, one]) == 2 * sustained
