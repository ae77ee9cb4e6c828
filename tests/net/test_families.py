"""Which family a datagram takes: given how races over TCP ended, expect this address."""

from __future__ import annotations

import anyio
import pytest

from circumvent.net.families import Families

pytestmark = pytest.mark.anyio

SIX, FOUR = "2001:db8::1", "192.0.2.1"


async def test_without_a_race_the_first_address_is_taken_at_once() -> None:
    with anyio.fail_after(0.5):
        assert await Families().choose([SIX, FOUR]) == SIX


async def test_a_family_that_loses_and_never_won_is_left() -> None:
    families = Families()
    families.race_begins()
    families.race_ends(FOUR, [SIX])
    assert await families.choose([SIX, FOUR]) == FOUR
    assert await families.choose([SIX]) == SIX


async def test_one_victory_is_enough_to_be_taken() -> None:
    families = Families()
    for winner, loser in ((FOUR, SIX), (SIX, FOUR)):
        families.race_begins()
        families.race_ends(winner, [loser])
    assert await families.choose([SIX, FOUR]) == SIX


async def test_a_race_that_nobody_won_shows_nothing() -> None:
    families = Families()
    families.race_begins()
    families.race_ends(None, [SIX, FOUR])
    with anyio.fail_after(0.5):
        assert await families.choose([SIX, FOUR]) == SIX


async def test_a_datagram_waits_for_the_race_that_is_under_way() -> None:
    families = Families()
    families.race_begins()
    chosen: list[str] = []

    async def choose() -> None:
        chosen.append(await families.choose([SIX, FOUR]))

    async with anyio.create_task_group() as group:
        group.start_soon(choose)
        await anyio.wait_all_tasks_blocked()
        assert chosen == []
        families.race_ends(FOUR, [SIX])
    assert chosen == [FOUR]
