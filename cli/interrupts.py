"""What SIGINT and SIGTERM do to a check, from its first line to the exit of the process.

The first one ends the check with what is known. Before the check runs it is ``KeyboardInterrupt``; once it is over, the
first changes nothing, for what was found is about to be said. The second leaves at once. One handler stands for all that time: an event loop that takes its own away again gives the
system's back for a moment, and a signal in that moment would kill the process (status -2) in place of ending it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

#: The exit code of a check that was stopped.
STOPPED: Final = 3
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """The handler of this process's signals; :attr:`pressed` once one came."""

    def __init__(self) -> None:
        self.pressed = False
        self._bell: socket.socket | None = None
        self._heard_out = False
        self._restore: Callable[[], None] | None = None

    def install(self) -> None:
        """Take SIGINT and SIGTERM, also when the parent ignored SIGINT (``nohup``, ``&``)."""
        for number in _SIGNALS:
            signal.signal(number, self)

    def ignore(self) -> None:
        """Let nothing disturb the exit any more: what was to be said is said."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take a signal.

        :raises KeyboardInterrupt: at the first, before there is anything to lose.
        """
        del number, frame
        if self.pressed:
            self._leave()
        self.pressed = True
        if self._bell is not None:
            self._bell.send(b"\0")
        elif not self._heard_out:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def listening(self, restore: Callable[[], None]) -> Iterator[Listener]:
        """Send the first signal to the listener; ``restore`` is called before a second one leaves."""
        heard, bell = socket.socketpair()
        heard.setblocking(False)
        bell.setblocking(False)
        self._restore, self._bell = restore, bell
        try:
            yield Listener(heard)
        finally:
            self._heard_out = True
            self._bell = self._restore = None
            bell.close()
            heard.close()

    def _leave(self) -> NoReturn:
        if self._restore is not None:
            with contextlib.suppress(Exception):  # it may have been at work itself when the signal came
                self._restore()
        os._exit(STOPPED)


class Listener:
    """Where the first signal is heard inside an event loop."""

    def __init__(self, heard: socket.socket) -> None:
        self._heard = heard

    async def wait(self) -> None:
        """Wait for the first signal."""
        import anyio  # noqa: PLC0415 - help needs no event loop, and this module is there for it too

        await anyio.wait_readable(self._heard)


#: Signals come to a process, so there is one.
INTERRUPTS: Final = Interrupts()
