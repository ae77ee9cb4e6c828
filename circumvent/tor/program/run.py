"""Runs tor with one bridge in a private folder, follows its bootstrap, and leaves nothing behind.

It is never the user's tor: its own folder, its own settings (:mod:`~circumvent.tor.program.torrc`), no file of
``/etc``. It belongs to this process: when the control connection closes, whatever closed it, tor ends itself, and with it
the program that speaks its transport.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.tor_run import TorOutcome
from circumvent.model.words import Reason
from circumvent.tor.program.control import ASK, GO, ControlError, Conversation, begin, read_port
from circumvent.tor.program.folder import private_folder
from circumvent.tor.program.torrc import CONTROL, COOKIE, make_torrc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from anyio.abc import ByteStream, Process

    from circumvent.tor.program.watch import Watch

#: Seconds that tor may take to open its control socket on a slow device.
START: Final = 15.0
_LOOK_AGAIN: Final = 0.02
#: Seconds between two questions to tor: how far, how many bytes.
ASK_EVERY: Final = 0.5
#: Seconds that the last question may take, and that a killed process may take to be gone.
_LAST_ANSWER: Final = 0.3
_GONE: Final = 5.0
#: The longest path of a socket (sun_path), with room to spare for systems that have less than Linux.
_LONGEST_SOCKET: Final = 100
#: What programs need to know of their surroundings; proxies, trust roots and the like are no business of tor's.
_SURROUNDINGS: Final = ("PATH", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to run: tor, the program for the transport of the line if it has one, the line itself, and what it may use.

    ``most_bytes`` is the limit of what tor sends and receives.
    """

    tor: str
    line: str = field(repr=False)
    speaker: str | None = None
    most_bytes: int


async def run_tor(order: Order, watch: Watch, now: Callable[[], float]) -> None:
    """Run tor until it reached the Tor network, is stuck, or used up its bytes; ``watch`` holds what was seen.

    Never raises for what tor did. Cancelled, it has killed tor and removed the folder before it ends.
    """
    try:
        async with private_folder() as folder, _process(order, folder) as process:
            await _send_settings(process, order, folder)
            cookie, stream = await _connected(process, folder)
            async with stream:
                await stream.send(begin(cookie) + GO)
                await _follow(stream, order, watch, now)
    except ControlError as exc:
        watch.outcome, watch.detail = TorOutcome.BROKEN, str(exc)
    except (OSError, anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError) as exc:
        why = exc.strerror if isinstance(exc, OSError) and exc.strerror else "tor ended by itself"
        watch.outcome, watch.detail = TorOutcome.BROKEN, why
    finally:
        watch.ended = now()


async def _follow(stream: ByteStream, order: Order, watch: Watch, now: Callable[[], float]) -> None:
    """Listen and ask until the outcome is known."""
    conversation = Conversation()
    while True:
        data = None
        with anyio.move_on_after(ASK_EVERY):
            data = await stream.receive()
        if data is None:
            await stream.send(ASK)
        else:
            for said in conversation.take(data):
                watch.take(said, now())
        if watch.done:
            watch.outcome = TorOutcome.DONE
        elif watch.bytes_used > order.most_bytes:
            watch.outcome, watch.reason = TorOutcome.CUT_OFF, Reason.BUDGET.value
        elif watch.stalled(now()):
            watch.outcome = TorOutcome.STALLED
        else:
            continue
        watch.ended = now()
        await _last_answer(stream, conversation, watch, now)
        return


async def _last_answer(
    stream: ByteStream, conversation: Conversation, watch: Watch, now: Callable[[], float]
) -> None:
    """Ask once more how many bytes it took; the outcome stands whatever comes."""
    with suppress(ControlError, OSError, anyio.EndOfStream, anyio.BrokenResourceError):
        with anyio.move_on_after(_LAST_ANSWER):
            await stream.send(ASK)
            before = watch.bytes_used
            while watch.bytes_used == before:
                for said in conversation.take(await stream.receive()):
                    watch.take(said, now())


@asynccontextmanager
async def _process(order: Order, folder: Path) -> AsyncIterator[Process]:
    """Start tor, and kill it and what it started at the end.

    :raises OSError: when it can't be started.
    """
    nothing = folder / "no-defaults"
    nothing.touch(mode=0o600)
    command = [order.tor, "-f", "-", "--defaults-torrc", str(nothing), "--hush"]
    process = await anyio.open_process(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_surroundings(folder),
        start_new_session=sys.platform != "win32",
    )
    try:
        yield process
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(_GONE):
            _kill(process)
            await process.aclose()


def _kill(process: Process) -> None:
    """Kill tor and the programs that it started: on Unix they are a group of their own."""
    if sys.platform == "win32":  # programs of transports end there when tor's end of their input closes
        with suppress(OSError):
            process.kill()
        return
    with suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def _surroundings(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _SURROUNDINGS if name in os.environ}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}


async def _send_settings(process: Process, order: Order, folder: Path) -> None:
    torrc = make_torrc(
        folder,
        order.line,
        owner=os.getpid(),
        speaker=_without_spaces(order.speaker, folder),
        unix_sockets=_has_unix_sockets(folder),
    )
    if process.stdin is not None:  # it was asked for
        await process.stdin.send(torrc.encode("utf-8"))
        await process.stdin.aclose()


def _without_spaces(program: str | None, folder: Path) -> str | None:
    """Return a path to a program in which tor's parser finds one word; tor runs in ``folder``.

    :raises OSError: where no link can be made.
    """
    if program is None or not any(letter.isspace() for letter in program):
        return program
    link = folder / "speaker"
    link.symlink_to(program)
    return f"./{link.name}"


def _has_unix_sockets(folder: Path) -> bool:
    return sys.platform != "win32" and len(os.fsencode(folder / CONTROL)) <= _LONGEST_SOCKET


async def _connected(process: Process, folder: Path) -> tuple[bytes, ByteStream]:
    """Return tor's cookie and a connection to its control socket, once it has one.

    :raises ControlError: when it ended, or took too long.
    """
    with anyio.move_on_after(START):
        while process.returncode is None:
            with suppress(OSError):
                cookie = (folder / COOKIE).read_bytes()
                return cookie, await _connect(folder)
            await anyio.sleep(_LOOK_AGAIN)
        raise ControlError(f"tor would not start (status {process.returncode})")
    raise ControlError("tor opened no control socket")


async def _connect(folder: Path) -> ByteStream:
    if _has_unix_sockets(folder):
        return await anyio.connect_unix(folder / CONTROL)
    port = read_port((folder / CONTROL).read_text(encoding="ascii", errors="replace"))
    return await anyio.connect_tcp("127.0.0.1", port)
