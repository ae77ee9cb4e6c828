"""``circumvent wipe``: delete everything that was kept, and say what can't be deleted from here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.state.folder import FILES, state_folder

if TYPE_CHECKING:
    from pathlib import Path

#: What no program can take back, as sentences for people.
OUT_OF_REACH: Final = (
    "Commands that you typed are in your shell's history; links in them too. Clear it there.",
    "What was in memory may have been written to swap or to a hibernation file. Encrypted swap ends with the power.",
    "A disk may keep old blocks, and backups and file versions their copies. Only an encrypted disk forgets for sure.",
    "Reports that you wrote with --dump lie where you put them.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiped:
    """What was deleted (paths), what could not be (path and reason), and what is out of reach (sentences)."""

    deleted: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    out_of_reach: tuple[str, ...] = OUT_OF_REACH


def wipe(folder: Path | None = None) -> Wiped:
    """Delete all state. Only files of ours are touched, and the folder if nothing else is in it.

    Links are deleted and not followed.
    """
    folder = state_folder() if folder is None else folder
    deleted: list[str] = []
    failed: list[tuple[str, str]] = []
    for name in FILES:
        path = folder / name
        try:
            _overwrite(path)
            path.unlink()
            deleted.append(str(path))
        except FileNotFoundError:
            continue
        except OSError as exc:
            failed.append((str(path), exc.strerror or "unknown error"))
    try:
        folder.rmdir()
        deleted.append(str(folder))
    except FileNotFoundError:
        pass
    except OSError as exc:
        failed.append((str(folder), exc.strerror or "unknown error"))
    return Wiped(deleted=tuple(deleted), failed=tuple(failed))


def _overwrite(path: Path) -> None:
    """Put zeros over a regular file: on a plain disk that is what keeps an undelete from finding it."""
    if path.is_symlink() or not path.is_file():
        return
    try:
        with path.open("r+b") as file:
            size = os.fstat(file.fileno()).st_size
            file.write(bytes(min(size, max(FILES.values()))))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return
