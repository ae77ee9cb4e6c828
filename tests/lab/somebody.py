"""Somebody without any rights, for tests that are run by root: a process outside the tests' own namespaces.

The tests live in a user namespace in which there is one user, so nobody can become another one there. Therefore
:func:`fetch`, called before that is entered, leaves a process behind that is user 65534 in every respect, in a network
namespace of root's making that has nothing but a loopback device which is down. It runs what it is told.

Who runs the tests without being root is somebody already.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.namespace import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    MS_BIND,
    MS_PRIVATE_RECURSIVE,
    Refused,
    die_with_parent,
    mount,
    unshare,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT: Final = Path(__file__).parent.parent.parent
_NOBODY: Final = 65534
#: Seconds that a command may take on a busy machine.
_LIMIT: Final = 150.0


@dataclass(frozen=True, slots=True)
class Somebody:
    """Runs commands without rights."""

    channel: socket.socket | None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder of the project and return what it said.

        :raises RuntimeError: when this machine let nobody become somebody else.
        """
        if self.channel is None:
            return _run(command)
        _send(self.channel, list(command))
        answer = _receive(self.channel)
        if answer is None:
            raise RuntimeError("the process that runs things without rights has ended")
        if "refused" in answer:
            raise RuntimeError(answer["refused"])
        return subprocess.CompletedProcess(command, answer["status"], answer["out"], answer["errors"])

    def leave(self) -> None:
        """End the process, if there is one."""
        if self.channel is not None:
            self.channel.close()


def fetch() -> Somebody:
    """Return somebody; for root that is a new process, which ends with this one."""
    if not sys.platform.startswith("linux") or os.geteuid():
        return Somebody(None)
    ours, theirs = socket.socketpair()
    parent = os.getpid()
    if os.fork() == 0:
        try:
            ours.close()
            _serve(theirs, parent)
        finally:
            os._exit(0)
    theirs.close()
    return Somebody(ours)


def _serve(channel: socket.socket, parent: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reason = None
    try:
        unshare(CLONE_NEWNET | CLONE_NEWNS)
        mount("none", "/", MS_PRIVATE_RECURSIVE)
        open_the_way((Path(sys.base_prefix), Path(sys.prefix), ROOT))
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        die_with_parent(parent)
    except (Refused, OSError) as error:
        reason = f"root can't become somebody else here: {error}"
    while (command := _receive(channel)) is not None:
        if reason is not None:
            _send(channel, {"refused": reason})
            continue
        done = _run(command)
        _send(channel, {"status": done.returncode, "out": done.stdout, "errors": done.stderr})


def open_the_way(places: Iterable[Path]) -> None:
    """In this mount namespace: let everybody reach folders that lie below ones that only root may enter.

    Python itself may live in root's home, and a clone of the project in a folder of root's own.

    :raises OSError: when a folder is not there.
    :raises circumvent.lab.namespace.Refused: when the kernel says no.
    """
    closed: dict[Path, list[tuple[Path, int]]] = {}
    for place in {each.resolve() for each in places}:
        barrier = next((each for each in (*reversed(place.parents), place) if not _is_open(each)), None)
        if barrier is not None:
            kept = list(place.iterdir()) if barrier == place else [place]
            closed.setdefault(barrier, []).extend((each, os.open(each, os.O_PATH)) for each in kept)
    for barrier, wanted in closed.items():
        mount("tmpfs", str(barrier), 0, kind="tmpfs")
        barrier.chmod(0o755)
        for place, descriptor in wanted:
            if stat.S_ISDIR(os.fstat(descriptor).st_mode):
                place.mkdir(parents=True, exist_ok=True)
            else:
                place.touch()
            mount(f"/proc/self/fd/{descriptor}", str(place), MS_BIND)


def _is_open(folder: Path) -> bool:
    return folder.stat().st_mode & 0o005 == 0o005


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    surroundings = {"HOME": "/nonexistent", "LANG": "C.UTF-8", "PATH": os.environ.get("PATH", os.defpath)}
    surroundings |= {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        return subprocess.run(
            command,
            cwd=ROOT,
            env=surroundings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, -1, "", str(error))


def _send(channel: socket.socket, value: object) -> None:
    body = json.dumps(value).encode()
    channel.sendall(struct.pack("=I", len(body)) + body)


def _receive(channel: socket.socket) -> Any:
    """Return what the other side sent, ``None`` when it has gone."""
    head = channel.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return None
    (length,) = struct.unpack("=I", head)
    return json.loads(channel.recv(length, socket.MSG_WAITALL))
