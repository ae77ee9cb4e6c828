"""tor's folder: closed to others, gone afterwards, also those that a killed process left."""

from __future__ import annotations

import os
import stat
import tempfile
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.tor.program.folder import PREFIX, private_folder, remove_stale, remove_standing
from tests.tor.program.oracle import leftovers

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
#: A process that does not exist: above the kernel's limit.
NOBODY = 2**31 - 2


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def test_it_is_closed_and_goes_with_all_that_is_in_it(place: Path) -> None:
    async with private_folder() as folder:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.parent == place
        (folder / "data").mkdir()
        (folder / "data" / "state").touch()
    assert leftovers(place) == []


async def test_it_goes_when_it_is_cancelled(place: Path) -> None:
    with anyio.move_on_after(0.01):
        async with private_folder():
            await anyio.sleep_forever()
    assert leftovers(place) == []


async def test_an_exit_that_waits_for_nothing(place: Path) -> None:
    async with private_folder() as folder:
        (folder / "state").touch()
        remove_standing()
        assert leftovers(place) == []


async def test_memory_comes_before_the_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = place / "memory"
    memory.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
    async with private_folder() as folder:
        assert folder.parent == memory
    memory.chmod(0o755)  # others could look into it
    async with private_folder() as folder:
        assert folder.parent == place


async def test_what_a_killed_process_left_goes(place: Path) -> None:
    left, living = place / f"{PREFIX}{NOBODY}-abcdefgh", place / f"{PREFIX}{os.getpid()}-abcdefgh"
    strange, link = place / f"{PREFIX}mine", place / f"{PREFIX}{NOBODY}-link"
    for folder in (left, living, strange):
        folder.mkdir(mode=0o700)
    link.symlink_to(strange)
    assert remove_stale() == (left,)
    assert leftovers(place) == sorted(one.name for one in (living, strange, link))
