"""A terminal to paint on that never makes the painter wait.

A terminal that was stopped (Ctrl-S), or that is far away on a bad line, takes nothing for a while. A write to it would
hold the event loop up, and with it every packet and the deadline. So the terminal is opened once more, without
blocking; what it does not take is kept, and nothing new is painted before that is gone.
"""

from __future__ import annotations

import os
from typing import IO, Final

_FLAGS: Final = (
    os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
)


class Canvas:
    """Writes to the terminal behind a stream. What is no terminal is written to as it is."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._descriptor: int | None = None
        self._left = b""
        self._opened = False

    def ready(self) -> bool:
        """Tell whether everything written so far was taken."""
        self._push()
        return not self._left

    def write(self, text: str) -> None:
        """Write ``text`` as far as it is taken now; the rest follows with the next write."""
        if not self._opened:
            self._opened = True
            self._descriptor = _own(self._stream)
        if self._descriptor is None:
            self._stream.write(text)
            self._stream.flush()
            return
        self._left += text.encode("utf-8", "replace")
        self._push()

    def close(self) -> None:
        """Give the terminal back; what it did not take by now is dropped."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._left, self._opened = b"", False

    def _push(self) -> None:
        while self._left and self._descriptor is not None:
            try:
                taken = os.write(self._descriptor, self._left)
            except BlockingIOError:
                return
            except OSError:  # the terminal is gone
                taken = len(self._left)
            self._left = self._left[taken:]


def _own(stream: IO[str]) -> int | None:
    """Open the terminal behind a stream once more; the stream's own descriptor is shared with the shell."""
    try:
        return os.open(os.ttyname(stream.fileno()), _FLAGS)
    except (OSError, ValueError, AttributeError):
        return None
