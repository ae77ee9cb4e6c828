"""``python -m circumvent.lab.scenario_client SECONDS CATALOGUE MODULE:FUNCTION check ...``: a program on a client's side.

Linux has namespaces for monotonic clocks, none for the time of day. So the interpreter's own ``time.time`` is moved by
so many seconds before anything else is imported. Files of the folder CATALOGUE (``-``: there is none) stand in the
place of those of the same name in the catalogue that ships: its endpoints are those of a world that is not here. The
rest is the command line as it is.
"""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.lab.scenario import Scenario

NO_CATALOGUE = "-"


def command(scenario: Scenario, folder: Path, program: str) -> list[str]:
    """Return the command that runs ``program`` as a scenario's client does; ``folder`` holds its catalogue."""
    catalogue = str(folder) if scenario.check.catalogue else NO_CATALOGUE
    return [sys.executable, "-m", __spec__.name, str(scenario.client.clock), catalogue, program]


def main(arguments: list[str]) -> int:
    """Move the clock, put the catalogue in its place, and call the function with the words that follow."""
    ahead, true_time = float(arguments[0]), time.time
    if ahead:
        time.time = lambda: true_time() + ahead
    if arguments[1] != NO_CATALOGUE:
        importlib.import_module("circumvent.catalog.files").folders.insert(0, Path(arguments[1]))
    module, _, function = arguments[2].partition(":")
    status: int = getattr(importlib.import_module(module), function)(arguments[3:])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
