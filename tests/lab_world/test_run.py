"""The process of the world as a program: its line, its end, its faults."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from circumvent.lab.world import run
from circumvent.lab.world.prepare import prepare
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from circumvent.lab.world.prepare import Prepared


@pytest.fixture
def small(tmp_path: Path) -> Prepared:
    """A world of one web server on loopback."""
    whole = standard_world()
    server = msgspec.structs.replace(whole.server("dns.homeline.example"), addresses=("127.0.0.61",))
    return prepare(msgspec.structs.replace(whole, servers=(server,)), tmp_path)


def begin(prepared: Prepared, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "circumvent.lab.world", str(prepared.description), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def line(process: subprocess.Popen[bytes]) -> dict[str, object]:
    assert process.stdout is not None
    said = json.loads(process.stdout.readline())
    assert isinstance(said, dict)
    return said


@pytest.mark.namespace
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_and_ends_when_told(small: Prepared, number: signal.Signals) -> None:
    with begin(small) as process:
        said = line(process)
        assert (said["ready"], said["servers"]) == (True, 1)
        process.send_signal(number)
        assert process.wait(10) == 0


def test_the_clock_of_a_world_is_that_of_its_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1000.0)
    run._set_clock(0.0)
    assert time.time() == 1000.0
    run._set_clock(7200.0)
    assert time.time() == 8200.0


@pytest.mark.namespace
def test_it_says_which_port_it_cannot_have(small: Prepared) -> None:
    with begin(small) as first:
        assert line(first)["ready"] is True
        with begin(small) as second:
            said = line(second)
            assert second.wait(10) == 1
        first.kill()
    assert said["ready"] is False
    assert "dns.homeline.example" in str(said["error"])


def test_what_is_no_description_is_said(small: Prepared) -> None:
    small.description.write_text("{}")
    with begin(small) as process:
        assert line(process)["ready"] is False
        assert process.wait(10) == 1


@pytest.mark.parametrize("words", [[], ["a", "1", "c"]])
def test_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(words) == 2
    assert "usage" in capsys.readouterr().err


@pytest.mark.namespace
def test_it_dies_with_its_parent(small: Prepared) -> None:
    script = (
        "import subprocess, sys, os\n"
        "p = subprocess.Popen([sys.executable, '-m', 'circumvent.lab.world', sys.argv[1], str(os.getpid())],"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(small.description)],
        stdout=subprocess.PIPE,
        check=False,
        timeout=40,
    )
    assert done.returncode == -signal.SIGKILL
    pid, limit = int(done.stdout), time.monotonic() + 10
    while _alive(pid):
        assert time.monotonic() < limit


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(") ")[2][0] not in "ZX"
    except FileNotFoundError:
        return False


def test_a_parent_that_is_gone_already_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: type("C", (), {"prctl": staticmethod(lambda *_: 0)})())
    with pytest.raises(SystemExit):
        run.tie_to_parent(os.getpid())
