"""Client programs that are not ours, run to their end."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.lab.daemon import find_program

if TYPE_CHECKING:
    from pathlib import Path


def run(program: str, *words: str | Path, given: bytes = b"", status: int | None = 0) -> str:
    """Run a program; return all that it said. It must end with ``status`` (``None``: with any)."""
    path = find_program(program)
    assert path is not None
    done = subprocess.run([path, *map(str, words)], input=given, capture_output=True, timeout=40, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert status in (None, done.returncode), f"status {done.returncode}\n{said}"
    return said


def curl(*words: str | Path, status: int = 0) -> str:
    """Run curl without a progress meter."""
    return run("curl", "-sS", "--max-time", "20", *words, status=status)
