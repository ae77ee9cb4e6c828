"""``python -m circumvent.lab.scenario_client SECONDS check ...``: the command line under a clock that is wrong.

Linux has namespaces for monotonic clocks, none for the time of day. So the interpreter's own ``time.time`` is moved by
so many seconds before anything else is imported; the rest is the command line as it is.
"""

from __future__ import annotations

import sys
import time


def main(arguments: list[str]) -> int:
    """Move the clock, and run the command line."""
    ahead, true_time = float(arguments[0]), time.time
    if ahead:
        time.time = lambda: true_time() + ahead
    from circumvent.cli.app import main as command_line  # noqa: PLC0415 - after the clock was moved

    return command_line(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
