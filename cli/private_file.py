"""Writes files that only their owner can read: keys, bridges, where somebody is, what somebody tried."""

from __future__ import annotations

import os
import stat

from circumvent.cli.values import ValueProblem
from circumvent.text import sanitise


def write_private(text: str, name: str, *, option: str, force: bool | None = None) -> None:
    """Write a file for its owner alone; one that is there already is left alone unless ``force`` says not.

    ``option`` names the file on the command line; ``force`` is ``None`` where there is no ``--force``.

    :raises ValueProblem: when it can't be written.
    """
    shown = sanitise(name, 100)
    new = os.O_TRUNC if force else os.O_EXCL
    flags = os.O_WRONLY | os.O_CREAT | new | getattr(os, "O_CLOEXEC", 0)
    try:
        descriptor = os.open(name, flags, 0o600)
    except FileExistsError as exc:
        instead = "Give a new name." if force is None else "--force replaces it."
        raise ValueProblem(f"{option}: {shown} is there already. {instead}") from exc
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or "error"
        raise ValueProblem(f"{option}: {shown} can't be written ({reason}).") from exc
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if stat.S_ISREG(os.fstat(descriptor).st_mode) and hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
        file.write(text)
