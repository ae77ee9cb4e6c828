"""The entry point. ``--help`` and ``--version`` are answered before anything heavy is imported."""

from __future__ import annotations

import sys

from circumvent import __version__


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    if given in (["--version"], ["-V"]):
        print(f"circumvent {__version__}")
        return 0
    if given in ([], ["--help"], ["-h"]):
        from circumvent.cli.help_text import HELP  # noqa: PLC0415 - a text, nothing else

        print(HELP, end="")
        return 0
    from circumvent.cli.commands import run  # noqa: PLC0415 - typer costs 100 ms

    return run(given)
