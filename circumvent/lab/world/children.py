"""Daemons as children of the world's process: started, awaited, ended with it.

A shell stands guard over each: it holds one end of a pipe whose other end only the world holds, and ends its process group
once that closes, whatever ended the world. (The kernel's own signal on a parent's death is lost by programs with file
capabilities, as some packages give them to their servers: prctl(2), PR_SET_PDEATHSIG.)
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from circumvent.lab.world.daemons import find_program
from circumvent.lab.world.listen import GONE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.world.daemons import Command

#: Seconds that a daemon may take to open its ports on a busy machine, and between two looks at it.
START: Final = 40.0
LOOK_AGAIN: Final = 0.05
#: The daemon in the background, without our pipe; the group ends when it ends, or when the pipe does.
GUARD: Final = '("$@" </dev/null; kill -9 0) & read -r _; kill -9 0'
_LOG: Final = "daemon.log"


class Children:
    """The running daemons of a world."""

    def __init__(self) -> None:
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, commands: Sequence[Command]) -> None:
        """Start daemons side by side and return when all their ports are open.

        :raises OSError: when one is not installed, ends, or takes too long; the message has the end of its log.
        """
        async with asyncio.TaskGroup() as group:
            for command in commands:
                group.create_task(self._start(command))

    async def _start(self, command: Command) -> None:
        program = find_program(command.words[0])
        if program is None:
            raise FileNotFoundError(f"{command.words[0]} is not installed")
        surroundings = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(command.folder),
            "LANG": "C.UTF-8",
        }
        with (command.folder / _LOG).open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                "/bin/sh",
                "-c",
                GUARD,
                "guard",
                program,
                *command.words[1:],
                cwd=command.folder,
                env=surroundings,
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._processes.append(process)
        try:
            async with asyncio.timeout(START):
                for address, port in command.ports:
                    while not await _answers(address, port):
                        await _look_again(process, command)
                while command.says is not None and command.says not in _log(command):
                    await _look_again(process, command)
        except TimeoutError as exc:
            raise TimeoutError(_tail(command, "is not ready")) from exc

    def close(self) -> None:
        """End them all: daemons of a laboratory have nothing to save."""
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


async def _look_again(process: asyncio.subprocess.Process, command: Command) -> None:
    if process.returncode is not None:
        raise ConnectionError(_tail(command, "ended"))
    await asyncio.sleep(LOOK_AGAIN)


async def _answers(address: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(address, port)
    except GONE:
        return False
    writer.close()
    return True


def _tail(command: Command, what: str) -> str:
    return f"{command.words[0]} {what}: {_log(command)[-2000:].strip()}"


def _log(command: Command) -> str:
    return (command.folder / _LOG).read_text(encoding="utf-8", errors="replace")
