"""Starts the world's process, waits until it serves, and ends it."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from circumvent.lab.world.prepare import Prepared

#: Seconds that a world may take to open its ports, on a busy machine.
START: Final = 60.0
_STOP: Final = 3.0
_LONGEST_LINE: Final = 64 * 1024


class WorldFailedError(Exception):
    """The world did not come up; the message says why, with the end of its log."""


def command(prepared: Prepared) -> list[str]:
    """Return what starts a world as a child of this process.

    A lab that starts it in another way (in a namespace, say) leaves the last word out if the parent is another.
    """
    return [sys.executable, "-m", "circumvent.lab.world", str(prepared.description), str(os.getpid())]


@dataclass(slots=True)
class WorldProcess:
    """A running world."""

    prepared: Prepared
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(_STOP)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def log_tail(self) -> str:
        """Return the last 3000 characters of its log; a healthy world writes none."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]


def start(prepared: Prepared) -> WorldProcess:
    """Start a world in the network of this process, which must have its addresses.

    :raises WorldFailedError: when it does not come up.
    """
    log = Path(prepared.directory) / "world.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command(prepared),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
        )
    world = WorldProcess(prepared, process, log)
    try:
        _await_ready(world)
    except BaseException:
        world.stop()
        raise
    return world


def _await_ready(world: WorldProcess) -> None:
    """Read the line that says that it serves, or does not."""
    pipe = world.process.stdout
    if pipe is None:  # pragma: no cover - it was asked for
        raise WorldFailedError("no pipe")
    limit, line = time.monotonic() + START, b""
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
            if not selector.select(max(limit - time.monotonic(), 0)):
                raise WorldFailedError(f"the world is not ready after {START:.0f} s\n{world.log_tail()}")
            piece = os.read(pipe.fileno(), 4096)
            if not piece:
                break
            line += piece
    try:
        said = json.loads(line)
    except ValueError:
        said = {}
    if not isinstance(said, dict) or said.get("ready") is not True:
        reason = said.get("error") if isinstance(said, dict) else None
        raise WorldFailedError(f"{reason or 'the world ended'}\n{world.log_tail()}".strip())
