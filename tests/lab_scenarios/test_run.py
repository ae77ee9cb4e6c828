"""Whole runs: this network, the unmodified check on its client side, and nothing that is said is wrong.

A few short scenarios; ``nox -s accuracy`` runs them all.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.lab.left_out import leave_out

pytestmark = [pytest.mark.daemons, pytest.mark.timeout(180)]

ROOT: Final = Path(__file__).parent.parent.parent
REFUSED: Final = 2


def start(*words: str) -> subprocess.Popen[str]:
    """Start the accuracy program in a process of its own: a run divides its process, which a test must not."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.lab_scenarios.accuracy", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "name", ["offline", "sanctions-geofence", "iran-2026-client-penalty", "china-gfw-dns"]
)
def test_everything_that_is_said_is_right(name: str) -> None:
    with start(name) as program:
        printed, errors = program.communicate()
    if program.returncode == REFUSED:
        leave_out(errors.strip())
    assert program.returncode == 0, printed + errors
    assert f"{name} 0: right" in printed


def test_a_run_that_is_killed_leaves_no_process() -> None:
    with start("open") as program:
        group = _descendants(program.pid, at_least=4)
        program.send_signal(signal.SIGKILL)
        program.wait()
        if not group and program.returncode != -signal.SIGKILL:
            leave_out("the kernel allows no namespaces")
        program.communicate()
    _wait_until_gone(group)


def _children() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found.setdefault(int(fields[1]), []).append(int(entry.name))
    return found


def _descendants(root: int, *, at_least: int) -> set[int]:
    """Return the processes below ``root`` once there are enough of them."""
    while Path(f"/proc/{root}").exists():
        children, found, waiting = _children(), set[int](), [root]
        while waiting:
            below = children.get(waiting.pop(), [])
            found.update(below)
            waiting += below
        if len(found) >= at_least:
            return found
    return set()


def _wait_until_gone(processes: set[int]) -> None:
    """Wait until all have ended; the test's timeout is the limit."""
    for process in processes:
        try:
            descriptor = os.pidfd_open(process)
        except ProcessLookupError:
            continue
        with os.fdopen(descriptor, "rb", closefd=True) as file:
            select.select([file], [], [])
