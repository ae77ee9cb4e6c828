"""``python -m circumvent.lab.scenario_client SECONDS MODULE:FUNCTION check ...``: a program under a wrong clock.

Linux has namespaces for monotonic clocks, none for the time of day. So the interpreter's own ``time.time`` is moved by
so many seconds before anything else is imported; the rest is the command line as it is.
"""

from __future__ import annotations

import importlib
import sys
import time


def main(arguments: list[str]) -> int:
    """Move the clock, and call the function with the words that follow."""
    ahead, true_time = float(arguments[0]), time.time
    if ahead:
        time.time = lambda: true_time() + ahead
    module, _, function = arguments[1].partition(":")
    status: int = getattr(importlib.import_module(module), function)(arguments[2:])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
