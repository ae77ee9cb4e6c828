"""Runs the command line in a pseudo-terminal, and a screen that keeps what a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parent.parent.parent
COMMAND: Final = [sys.executable, "-c", "import sys; from circumvent.cli.app import main; sys.exit(main())"]
_PIECES: Final = re.compile(r"\x1b\[(\??\d*)([A-Za-z])|([^\x1b]+)|\x1b")


class Screen:
    """A terminal without an end: lines, a cursor, and the few codes that the live view uses."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Take in what was written."""
        for found in _PIECES.finditer(text):
            number, code, plain = found.groups()
            if plain is not None:
                for character in plain:
                    self._put(character)
            elif code == "A":
                self._row = max(self._row - int(number or 1), 0)
            elif code == "K":
                self.lines[self._row] = self.lines[self._row][: self._column]
            elif code == "J":
                self.lines[self._row] = self.lines[self._row][: self._column]
                del self.lines[self._row + 1 :]
            elif code not in ("m", "h", "l"):
                raise AssertionError(f"an unexpected control sequence: {found[0]!r}")

    def _put(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._row += 1
            if self._row == len(self.lines):
                self.lines.append("")
        else:
            line = self.lines[self._row].ljust(self._column)
            self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
            self._column += 1

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(line.rstrip() for line in self.lines).rstrip()


@dataclass
class Ended:
    """A run in a terminal: what was written (raw), what stands on the screen, exit code, seconds."""

    raw: str
    screen: str
    code: int
    seconds: float
    after_signal: float | None = None


@dataclass
class Terminal:
    """One run in a pseudo-terminal of ``columns`` by ``lines``."""

    arguments: Sequence[str]
    columns: int = 100
    lines: int = 40
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path = ROOT

    def run(
        self,
        *,
        when: Callable[[str], bool] | None = None,
        then: Callable[[subprocess.Popen[bytes], int], None] | None = None,
        stdout: int | None = None,
        ignore_sigint: bool = False,
        limit: float = 25.0,
    ) -> Ended:
        """Run to the end; once ``when`` holds for what was written, do ``then`` with process and terminal."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", self.lines, self.columns, 0, 0))
        began = time.monotonic()
        process = subprocess.Popen(
            [*COMMAND, *self.arguments],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            cwd=self.cwd,
            env={**_environment(), **self.env},
            start_new_session=True,
            preexec_fn=(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) if ignore_sigint else None,  # noqa: PLW1509 - as nohup does it; nothing else runs here
        )
        os.close(slave)
        raw, acted = b"", None
        while time.monotonic() - began < limit:
            ready, _, _ = select.select([master], [], [], 0.05)
            if ready:
                try:
                    piece = os.read(master, 65536)
                except OSError:
                    break
                if not piece:
                    break
                raw += piece
            if acted is None and when is not None and then is not None and when(raw.decode(errors="replace")):
                acted = time.monotonic()
                then(process, master)
        else:
            process.kill()
        code = process.wait(10)
        ended = time.monotonic()
        os.close(master)
        text = raw.decode(errors="replace")
        screen = Screen()
        screen.feed(text)
        return Ended(text, screen.text, code, ended - began, None if acted is None else ended - acted)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
