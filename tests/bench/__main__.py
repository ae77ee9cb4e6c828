"""``python -m tests.bench [LETTER...] [--json FILE] [--keep DIRECTORY]``: measure, print a table, keep JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.figures import MEASUREMENTS, Bench, Figure
from tests.bench.world import ADDRESSES, DROPPED, start_world
from tests.lab import namespace
from tests.lab.wire import DELAY, open_wire

if TYPE_CHECKING:
    from collections.abc import Sequence


def _table(figures: Sequence[Figure]) -> str:
    lines = []
    for figure in figures:
        value = "-" if figure.value is None else f"{figure.value:.2f} {figure.unit}"
        wanted = "" if figure.wanted is None else f"<= {figure.wanted:g} {figure.unit}"
        verdict = {True: "met", False: "MISSED", None: ""}[figure.met]
        lines.append(
            f"{figure.key:<9} {figure.what:<46} {value:>11}  {wanted:<10} {verdict:<7} {figure.note}"
        )
    return "\n".join(lines)


def main() -> int:
    """Measure what was asked for, everything by default; the status is 1 if something failed to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("letters", nargs="*", help="figures to measure: a, b, c, d, e, f, g, h, i")
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"))
    parser.add_argument("--keep", type=Path, help="keep reports, logs and option files here")
    arguments = parser.parse_args()
    target = arguments.json.absolute()
    directory = Path(tempfile.mkdtemp(prefix="bench-"))
    wire = open_wire(world=ADDRESSES, dropped=[DROPPED, *namespace.DROPPED])
    figures: list[Figure] = []
    failures: list[str] = []
    try:
        world = start_world(wire, directory)
        bench = Bench(wire=wire, world=world, directory=directory)
        for letters, measure in MEASUREMENTS.items():
            if arguments.letters and not set(letters) & set(arguments.letters):
                continue
            try:
                figures += measure(bench)
            except (RuntimeError, OSError) as error:
                failures.append(f"({letters}) {error}")
        world.stop()
    finally:
        wire.close()
        if arguments.keep:
            shutil.copytree(directory, arguments.keep, dirs_exist_ok=True)
        shutil.rmtree(directory, ignore_errors=True)
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    result = {
        "taken": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "round_trip_ms": 2000 * DELAY,
        "machine": machine,
        "figures": [figure.to_dict() for figure in figures],
        "failures": failures,
    }
    target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(_table(figures) + "\n")
    for failure in failures:
        sys.stdout.write(f"did not run: {failure}\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
