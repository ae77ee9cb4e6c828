"""The root keys: fetched once, kept, and nobody held up by somebody else's stall."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.names.chain import IANA_ANCHORS, RootKeys
from circumvent.net.errors import PeerError
from tests.names.zones import LdnsRoot

if TYPE_CHECKING:
    from circumvent.names.message import Answer

pytestmark = pytest.mark.anyio
ROOT = LdnsRoot("nsec3")
NOW = 1_800_000_000.0


class Fetches:
    """A way to ask for the keys that counts, and may fail or stall."""

    def __init__(self, *, fails: bool = False, stalls: bool = False) -> None:
        self.count = 0
        self.fails = fails
        self.stalls = stalls

    async def __call__(self) -> Answer:
        self.count += 1
        if self.stalls:
            await anyio.sleep_forever()
        await anyio.sleep(0.01)
        if self.fails:
            raise PeerError("eof_error")
        return ROOT.keys()


async def test_the_second_asker_needs_no_fetch() -> None:
    keys, fetch = RootKeys(ROOT.anchor), Fetches()
    first = await keys.get(fetch, NOW)
    assert await keys.get(fetch, NOW) is first
    assert fetch.count == 1


async def test_many_at_once_need_one_fetch() -> None:
    keys, fetch = RootKeys(ROOT.anchor), Fetches()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(keys.get, fetch, NOW)
    assert fetch.count == 1


async def test_a_stalled_fetch_holds_nobody_up() -> None:
    keys = RootKeys(ROOT.anchor)
    async with anyio.create_task_group() as group:
        group.start_soon(keys.get, Fetches(stalls=True), NOW)
        await anyio.lowlevel.checkpoint()
        with anyio.fail_after(5):
            assert (await keys.get(Fetches(), NOW)).keys


async def test_who_stalled_is_served_by_the_others_answer() -> None:
    keys, stalled = RootKeys(ROOT.anchor), Fetches(stalls=True)
    found = []

    async def wait() -> None:
        found.append(await keys.get(stalled, NOW))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            group.start_soon(keys.get, Fetches(), NOW)
    assert found
    assert stalled.count <= 1


async def test_a_failed_fetch_is_made_good_by_another() -> None:
    keys = RootKeys(ROOT.anchor)
    with pytest.raises(PeerError, match="eof_error"):
        await keys.get(Fetches(fails=True), NOW)
    assert (await keys.get(Fetches(), NOW)).keys


async def test_expired_keys_are_fetched_again() -> None:
    keys, fetch = RootKeys(ROOT.anchor), Fetches()
    first = await keys.get(fetch, NOW)
    assert keys.held(first.until + 1) is None
    await keys.get(fetch, first.until + 1)
    assert fetch.count == 2


async def test_keys_survive_being_saved() -> None:
    keys = RootKeys(ROOT.anchor)
    assert keys.save() == b""
    await keys.get(Fetches(), NOW)
    again = RootKeys(ROOT.anchor)
    assert again.load(keys.save(), NOW)
    assert again.held(NOW) is not None


async def test_what_was_saved_is_trusted_no_more_than_the_network() -> None:
    keys = RootKeys(ROOT.anchor)
    await keys.get(Fetches(), NOW)
    assert not RootKeys(IANA_ANCHORS).load(keys.save(), NOW)
    assert not RootKeys(None).load(keys.save(), NOW)
    assert not RootKeys(ROOT.anchor).load(b"garbage", NOW)
    assert not RootKeys(ROOT.anchor).load(b"", NOW)


async def test_a_cancelled_asker_leaves_the_others_alone() -> None:
    keys = RootKeys(ROOT.anchor)
    with anyio.move_on_after(0.01):
        await keys.get(Fetches(stalls=True), NOW)
    assert (await keys.get(Fetches(), NOW)).keys
