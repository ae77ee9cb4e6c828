"""Reading a file that the user named: bounded, regular files only, with a sentence for whatever is wrong."""

from __future__ import annotations

import os
import stat
from typing import Final

from circumvent.inputs.suggest import suggest_file

#: Do not wait for the other end of a pipe. Not on Windows, where it does not exist.
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class Unreadable(Exception):
    """The file can't be read; the message says why and what to do."""


def read_file(name: str, limit: int) -> bytes:
    """Return the content of a regular file of at most ``limit`` bytes.

    :raises Unreadable: when it is missing, no regular file, too large, or may not be read.
    """
    try:
        descriptor = os.open(name, os.O_RDONLY | _NO_WAIT)
    except FileNotFoundError as exc:
        meant = suggest_file(name)
        hint = f" Did you mean {meant}?" if meant else ""
        raise Unreadable(f"there is no such file here.{hint}") from exc
    except PermissionError as exc:
        raise Unreadable(_FOLDER if os.path.isdir(name) else "you may not read this file.") from exc  # noqa: PTH112 - Windows
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "it has no name that a file can have"
        raise Unreadable(f"this file can't be read: {reason}.") from exc
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise Unreadable(_FOLDER)
        if not stat.S_ISREG(mode):
            raise Unreadable("this is not a regular file. To read from a pipe, use - and redirect it.")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise Unreadable(f"this file can't be read: {exc.strerror}.") from exc
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise Unreadable(f"this file is larger than {limit // 1024 // 1024} MB, which no list of options is.")
    return data


_FOLDER: Final = "this is a folder. Name a file in it."
