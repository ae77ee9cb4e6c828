"""What the terminal can: width, colour, cursor; and what the user said about it in the environment."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Final

from circumvent.cli.draw import Style, draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.say.blocks import Block

#: The widest that text is laid out: longer lines are hard to read. The narrowest that is tried.
WIDEST: Final = 100
NARROWEST: Final = 30


def plain_wanted(option: bool) -> bool:
    """Tell whether plain sentences are wanted: ``--plain``, or ``CIRCUMVENT_PLAIN`` for every run."""
    return option or os.environ.get("CIRCUMVENT_PLAIN", "") not in {"", "0"}


def is_terminal(stream: IO[str]) -> bool:
    """Tell whether a stream is a terminal; a closed one is not."""
    try:
        return stream.isatty()
    except ValueError:
        return False


def can_move(stream: IO[str]) -> bool:
    """Tell whether lines can be painted over: a terminal, and not a dumb one."""
    return is_terminal(stream) and os.environ.get("TERM", "") not in {"dumb", ""}


def style_for(stream: IO[str], *, plain: bool = False) -> Style:
    """Return how to draw on a stream: laid out on a terminal, else sentences on lines of any length.

    ``NO_COLOR`` takes colour away, ``FORCE_COLOR`` lays out and colours for what is no terminal.
    """
    forced = os.environ.get("FORCE_COLOR", "") not in {"", "0"}
    terminal = is_terminal(stream)
    if not terminal and not forced:
        return Style(width=None, plain=True)
    bare = os.environ.get("NO_COLOR", "") != "" or (os.environ.get("TERM") == "dumb" and not forced)
    return Style(width=min(columns(stream), WIDEST), colour=not bare and not plain, plain=plain)


def columns(stream: IO[str]) -> int:
    """Return the width of a terminal in cells."""
    return max(size(stream)[0], NARROWEST)


def size(stream: IO[str]) -> tuple[int, int]:
    """Return columns and lines of a terminal: what the environment says, else what the terminal says, else 80, 24."""
    try:
        found = os.get_terminal_size(stream.fileno())
        wide, high = found.columns or 80, found.lines or 24
    except (OSError, ValueError):
        wide, high = 80, 24
    return _number("COLUMNS") or wide, _number("LINES") or high


def _number(name: str) -> int | None:
    given = os.environ.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and 0 < int(given) < 10_000 else None


def show(blocks: Iterable[Block], stream: IO[str], *, plain: bool = False) -> None:
    """Draw blocks on a stream."""
    print("\n".join(draw(blocks, style_for(stream, plain=plain_wanted(plain)))), file=stream, flush=True)


def forget(stream: IO[str]) -> None:
    """Send what is still written to a stream to nobody: its reader has left, and the exit must not complain."""
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, stream.fileno())
    except (OSError, ValueError):
        return
    finally:
        os.close(sink)


def tell(sentence: str, *, indent: str = "  ") -> None:
    """Say a sentence on standard error, its further lines indented."""
    from circumvent.cli.cells import wrap  # noqa: PLC0415 - it is loaded with the first sentence
    from circumvent.text import sanitise  # noqa: PLC0415 - as above

    told = sanitise(sentence, 2000)
    lines = wrap(told, columns(sys.stderr), rest=indent) if is_terminal(sys.stderr) else [told]
    print("\n".join(lines), file=sys.stderr, flush=True)
