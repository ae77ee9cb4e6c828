"""Puts the table into ``docs/accuracy.md``, between its two marks, with the commit it was made from."""

from __future__ import annotations

import datetime as dt
import subprocess
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BEGIN: Final = "<!-- table: begin (written by nox -s accuracy) -->"
END: Final = "<!-- table: end -->"


def write(path: Path, lines: Iterable[str], *, seeds: int, complete: bool) -> None:
    """Replace what stands between the marks.

    :raises ValueError: when the document does not have them.
    """
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path.name} does not have the marks of the table")
    what = "All scenarios" if complete else "Some of the scenarios"
    made = f"{what}, {seeds} seed{'s'[: seeds != 1]} each, {_today()}, at commit {_commit()}."
    path.write_text(f"{before}{BEGIN}\n\n{made}\n" + "\n".join(lines) + f"\n\n{END}{after}", "utf-8")


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _commit() -> str:
    """Return the commit that is checked out, and whether the tree differs from it."""
    commit = _git("rev-parse", "--short=12", "HEAD").strip()
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", "--", "circumvent", "transports", "cli"
    ).strip()
    return f"`{commit}`" + (" with changes that were not committed yet" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout
