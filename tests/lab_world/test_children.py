"""Daemons come up, or are said not to, and are gone with the world."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world import children
from circumvent.lab.world.children import Children
from circumvent.lab.world.daemons import Command

if TYPE_CHECKING:
    from pathlib import Path

PORT = 7181
SERVER = f"import socket, time; s = socket.create_server(('127.0.0.1', {PORT})); time.sleep(60)"


def python(folder: Path, code: str) -> Command:
    return Command(words=(sys.executable, "-c", code), folder=folder, ports=(("127.0.0.1", PORT),))


async def started(command: Command) -> Children:
    running = Children()
    try:
        await running.start([command])
    finally:
        if sys.exc_info()[0] is not None:
            await ended(running)
    return running


async def ended(running: Children) -> None:
    running.close()
    for process in running._processes:
        await process.wait()


def test_a_daemon_serves_until_the_end(tmp_path: Path) -> None:
    async def run() -> int:
        running = await started(python(tmp_path, SERVER))
        socket.create_connection(("127.0.0.1", PORT), timeout=2).close()
        await ended(running)
        return running._processes[0].pid

    pid = asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_daemon_serves_once_it_has_said_so(tmp_path: Path) -> None:
    """Its port is open before: it waits for a file that appears when somebody has connected."""
    code = (
        f"import socket; s = socket.create_server(('127.0.0.1', {PORT})); s.accept(); print('now', flush=True); s.accept();"
        " s.accept(); import time; time.sleep(60)"
    )

    async def run() -> str:
        command = Command(
            words=(sys.executable, "-c", code), folder=tmp_path, ports=(("127.0.0.1", PORT),), says="now"
        )
        running = await started(command)
        await ended(running)
        return (tmp_path / "daemon.log").read_text()

    assert asyncio.run(run()) == "now\n"


def test_a_daemon_goes_when_the_world_is_killed(tmp_path: Path) -> None:
    """The world here is a program that starts a daemon, and is killed without a chance to say goodbye."""
    (tmp_path / "served.py").write_text(SERVER)
    code = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from circumvent.lab.world.children import Children\n"
        "from circumvent.lab.world.real import Command\n"
        "here = Path(sys.argv[1])\n"
        f"words = (sys.executable, str(here / 'served.py'))\n"
        f"asyncio.run(Children().start([Command(words=words, folder=here, ports=(('127.0.0.1', {PORT}),))]))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(tmp_path)], check=False, timeout=40
    )
    assert done.returncode == -9
    limit = time.monotonic() + 10
    while listening():
        assert time.monotonic() < limit


def listening() -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", PORT)) == 0


def failure(command: Command) -> str:
    with pytest.RaisesGroup(pytest.RaisesExc(OSError)) as caught:
        asyncio.run(started(command))
    return str(caught.value.exceptions[0])


def test_one_that_ends_says_why(tmp_path: Path) -> None:
    assert failure(python(tmp_path, "raise SystemExit('no such luck')")).endswith("ended: no such luck")


def test_one_that_takes_too_long_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "START", 0.3)
    assert "is not ready" in failure(python(tmp_path, "import time; time.sleep(60)"))


def test_one_that_is_not_installed_is_said(tmp_path: Path) -> None:
    missing = Command(words=("no-such-program-at-all",), folder=tmp_path, ports=())
    assert "not installed" in failure(missing)
