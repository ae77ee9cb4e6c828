"""``--dump FILE``: the redacted report, readable by its owner only."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from circumvent.cli import terminal
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.model.report import Report


class DumpProblem(ValueError):
    """The file can't be written, or the user does not want it so. The message is a sentence."""


def check_writable(name: str, level: str) -> None:
    """See before the check that the file can be written afterwards; nothing is created.

    Unredacted, the user is asked if there is a terminal to ask on.

    :raises DumpProblem: when it can't, or when the answer is no.
    """
    path, shown = Path(name), sanitise(name, 100)
    try:
        folder, parent, there = path.is_dir(), path.parent.is_dir(), path.exists()
    except (OSError, ValueError):
        raise DumpProblem(f"--dump: {shown} is no name for a file.") from None
    if folder:
        raise DumpProblem(f"--dump: {shown} is a folder. Give the name of a file in it.")
    if not parent:
        raise DumpProblem(f"--dump: there is no folder {sanitise(str(path.parent), 100)}. Make it first.")
    if not os.access(path if there else path.parent, os.W_OK):
        raise DumpProblem(f"--dump: {shown} can't be written. Choose another place.")
    if level != "none":
        return
    said = (
        "--redact none: the file will name your servers and this network. Whoever gets it knows what you use."
    )
    terminal.tell(said)
    if terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stderr):
        print("Write it so? [y/N] ", end="", file=sys.stderr, flush=True)
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            raise DumpProblem("--dump: nothing was checked. Without --redact none the file is redacted.")


def write_dump(report: Report, name: str, level: str) -> None:
    """Write the report.

    :raises OSError: when the file can't be written.
    """
    data = report.to_json(level).encode() + b"\n"
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_CLOEXEC", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
