"""Standard input: read whole, or, on a terminal, as a paste that is not shown and ends with an empty line."""

from __future__ import annotations

import os
import sys

from circumvent.cli import terminal

_PROMPT = "Paste your links; they are not shown. An empty line ends."
_PROMPT_SHOWN = "Paste your links; this terminal shows them. An empty line ends."


def read_stdin(limit: int) -> bytes:
    """Return at most ``limit`` bytes of standard input."""
    if not terminal.is_terminal(sys.stdin):
        return sys.stdin.buffer.read(limit)
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ImportError:
        terminal.tell(_PROMPT_SHOWN)
        return _until_empty_line(limit)
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    # Neither echo nor line editing: the kernel would cut lines of more than 4095 characters.
    quiet[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(descriptor, termios.TCSADRAIN, quiet)
    # Asked only now: what is pasted at once must not be shown either.
    terminal.tell(_PROMPT)
    try:
        data = _until_empty(descriptor, limit)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
    count = sum(1 for line in data.splitlines() if line.strip())
    terminal.tell(f"{count} line{'s' * (count != 1)} read.")
    return data


def _until_empty(descriptor: int, limit: int) -> bytes:
    """Read characters until an empty line or the end-of-input key (Ctrl-D)."""
    data = b""
    while len(data) < limit:
        piece = os.read(descriptor, 4096)
        if not piece:
            break
        data += piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if b"\x04" in piece:
            data = data.replace(b"\x04", b"")
            break
        if data.endswith(b"\n\n") or data == b"\n":
            break
    return data[:limit]


def _until_empty_line(limit: int) -> bytes:
    lines = []
    for line in iter(sys.stdin.readline, ""):
        if not line.strip():
            break
        lines.append(line)
    return "".join(lines).encode()[:limit]
