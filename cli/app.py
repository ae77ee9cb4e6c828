"""The entry point. ``--help`` and ``--version`` are answered before anything heavy is imported."""

from __future__ import annotations

import errno
import os
import sys

from circumvent import __version__

TYPE_CHECKING = False  # known by its name; typing would double the start of --help
if TYPE_CHECKING:
    from typing import IO

#: The output can't be written: no space, quota, a device that fails.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
#: Exit codes that every command shares.
BAD_INPUT = 2
STOPPED = 3


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = sys.argv[1:] if arguments is None else arguments
    try:
        return _run(given)
    except KeyboardInterrupt:
        _say("Stopped; nothing was decided.")
        return STOPPED
    except BrokenPipeError:
        _forget(sys.stdout, sys.stderr)
        return STOPPED
    except OSError as exc:
        if exc.errno not in _FULL:
            return _unexpected(exc)
        _forget(sys.stdout)
        _say(f"circumvent: what it says can't be written ({exc.strerror}).")
        return STOPPED
    except Exception as exc:  # noqa: BLE001 - the last line of defence: one sentence, never a traceback
        return _unexpected(exc)


def _run(given: list[str]) -> int:
    if given in (["--version"], ["-V"]):
        print(f"circumvent {__version__}")
        return 0
    if given in ([], ["--help"], ["-h"], ["help"]):
        from circumvent.cli.help_text import HELP  # noqa: PLC0415 - a text, nothing else

        print(HELP, end="", flush=True)
        return 0
    _open_what_is_closed()
    if given[0] not in ("check", "bridges"):
        return _command(given)
    from circumvent.cli.interrupts import INTERRUPTS  # noqa: PLC0415 - not for --help

    INTERRUPTS.install()
    code = _command(given)
    INTERRUPTS.ignore()
    return code


def _command(given: list[str]) -> int:
    from circumvent.cli.commands import run  # noqa: PLC0415 - typer costs 100 ms

    code = run(given)
    sys.stdout.flush()
    return code


def _open_what_is_closed() -> None:
    """Give closed streams (``<&-``, services) to nobody, lest a socket of ours gets the number of standard output."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="ascii")  # noqa: PTH123, SIM115 - until the process ends
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - as above


def _forget(*streams: IO[str]) -> None:
    from circumvent.cli.terminal import forget  # noqa: PLC0415 - not for --help

    for stream in streams:
        forget(stream)


def _unexpected(error: Exception) -> int:
    if os.environ.get("CIRCUMVENT_DEBUG", "") not in {"", "0"}:
        raise error
    from circumvent.text import sanitise  # noqa: PLC0415 - for a defect only

    _say(
        f"circumvent: this is a defect of the program ({type(error).__name__}: {sanitise(str(error), 100)}). "
        "Please report it with the command you used; CIRCUMVENT_DEBUG=1 shows where it happened."
    )
    return STOPPED


def _say(sentence: str) -> None:
    try:
        print(sentence, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        _forget(sys.stderr)
