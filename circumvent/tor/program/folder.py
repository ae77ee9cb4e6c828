"""The private folder that tor works in: readable by this user alone, in memory where there is such a place, removed again.

tor needs a place for its keys, the consensus and its control socket, and notes there which bridge it uses. Nothing of it
outlives the run. What a run leaves that was killed (no program can prevent that) the next one removes.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import anyio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

PREFIX: Final = "circumvent-tor-"
#: Tries to remove the folder, and seconds between two: a program that was just killed may hold a file for a moment.
_TRIES: Final = 5
_PAUSE: Final = 0.05
_OF_PROCESS: Final = re.compile(rf"{PREFIX}(\d{{1,10}})-\w+")
_POSIX: Final = sys.platform != "win32"
#: Folders of this process that still stand.
_STANDING: Final[set[Path]] = set()


@asynccontextmanager
async def private_folder() -> AsyncIterator[Path]:
    """Make a folder, and remove it with all that is in it, also when cancelled.

    :raises OSError: when there is no place for one.
    """
    remove_stale()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=_place()))
    _STANDING.add(folder)
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            for _ in range(_TRIES):
                if not _still_there(folder):
                    break
                await anyio.sleep(_PAUSE)
        _STANDING.discard(folder)


def remove_standing() -> None:
    """Remove at once what stands of this process's folders: for an exit that waits for nothing."""
    for folder in tuple(_STANDING):
        shutil.rmtree(folder, ignore_errors=True)


def remove_stale() -> tuple[Path, ...]:
    """Remove folders of this user whose process is no more; return them."""
    return tuple(folder for folder in _stale() if not _still_there(folder))


def _still_there(folder: Path) -> bool:
    """Remove a folder; tell whether it still stands."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder.exists()


def _stale() -> Iterator[Path]:
    if not _POSIX:  # there is no harmless way to ask Windows for a process
        return
    for place in {_place(), Path(tempfile.gettempdir())}:
        with suppress(OSError):
            for folder in place.glob(f"{PREFIX}*"):
                found = _OF_PROCESS.fullmatch(folder.name)
                if found and _is_mine(folder) and not _lives(int(found[1])):
                    yield folder


def _place() -> Path:
    """Return where the folder goes: the user's own place in memory, else that of temporary files."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    if (
        own
        and _POSIX
        and Path(own).is_absolute()
        and _is_mine(Path(own))
        and os.access(own, os.W_OK | os.X_OK)
    ):
        return Path(own)
    return Path(tempfile.gettempdir())


def _is_mine(folder: Path) -> bool:
    """Tell whether a folder, which must be no link, belongs to this user and is closed to others."""
    try:
        facts = folder.lstat()
    except OSError:
        return False
    return (
        folder.is_dir()
        and not folder.is_symlink()
        and facts.st_uid == os.geteuid()
        and not facts.st_mode & 0o077
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
