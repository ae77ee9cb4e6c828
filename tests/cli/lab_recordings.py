"""Writes the recordings that ship with the package: ``python -m tests.cli.lab_recordings [NAME ...]``.

A run in which anything differs from the truth is not kept.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from circumvent.lab.recording import write
from circumvent.lab.run import RunFailedError, run
from circumvent.lab.scenario import find, names
from tests.cli.pty_run import ROOT

FOLDER: Final = ROOT / "circumvent" / "lab" / "recorded"
SEED: Final = 7


def main(arguments: list[str]) -> int:
    """Record some scenarios, each in a process of its own."""
    if arguments[:1] == ["--one"]:
        return _record(arguments[1])
    return max(
        subprocess.run(
            [sys.executable, "-m", "tests.cli.lab_recordings", "--one", name], check=False
        ).returncode
        for name in arguments or names()
    )


def _record(name: str) -> int:
    try:
        result = run(find(name), seed=SEED)
    except RunFailedError as exc:
        sys.stderr.write(f"{name}: {exc}\n")
        return 1
    if not result.comparison.right:
        wrong = [f"{row.label}: {row.said}" for row in result.comparison.wrong]
        sys.stderr.write(f"{name}: not kept, something differs: {wrong} {result.comparison.missed}\n")
        return 1
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(write(result, attempts=False), "utf-8")
    sys.stdout.write(f"{name}: {result.seconds:.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
