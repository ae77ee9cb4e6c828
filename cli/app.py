"""The entry point. ``--help`` and ``--version`` are answered before anything heavy is imported."""

from __future__ import annotations

import os
import sys

from circumvent import __version__

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
        _forget_output()
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
    if given[0] == "check":
        _heed_signals()
    from circumvent.cli.commands import run  # noqa: PLC0415 - typer costs 100 ms

    code = run(given)
    sys.stdout.flush()
    return code


def _heed_signals() -> None:
    """Let SIGINT and SIGTERM end the start-up too, also when the parent ignored SIGINT (``nohup``, ``&``)."""
    import signal  # noqa: PLC0415 - not for --help

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _forget_output() -> None:
    """Whoever read our output has left; what is still buffered goes nowhere, without a complaint at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(sink, stream.fileno())
        except (OSError, ValueError):
            continue


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
        _forget_output()
