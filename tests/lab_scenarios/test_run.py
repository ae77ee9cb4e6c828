"""Whole runs: the fixed quarter of the accuracy table, in which nothing at all may be wrong; and what a kill leaves.

``nox -s accuracy`` runs all scenarios.
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

from circumvent.lab.scenario import find, names
from tests.lab.daemon import PACKAGES
from tests.lab.left_out import leave_out
from tests.lab_scenarios.accuracy import QUARTER
from tests.lab_scenarios.clients import CLIENTS

#: The quarter takes two minutes on two idle cores.
pytestmark = [pytest.mark.daemons, pytest.mark.timeout(600)]

ROOT: Final = Path(__file__).parent.parent.parent
REFUSED: Final = 2
#: Without one that no package brings, its kind has no client, which the table says.
PROGRAMS: Final = sorted(
    {program for client in CLIENTS.values() for program in client.programs} & PACKAGES.keys()
)


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


@pytest.fixture(scope="module")
def quarter() -> tuple[int, str]:
    """The status of the quarter, and all that it printed."""
    with start("--quarter") as program:
        printed, errors = program.communicate()
    if program.returncode == REFUSED:
        leave_out(errors.strip())
    return program.returncode, printed + errors


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=[pytest.mark.requires("tor", "obfs4proxy")] if name.startswith("tor-") else []
        )
        for name in QUARTER
    ],
)
def test_everything_that_is_said_is_right(quarter: tuple[int, str], name: str) -> None:
    _, printed = quarter
    assert f"{name} 0: right" in printed, printed


@pytest.mark.requires(*PROGRAMS)
def test_independent_clients_get_through_wherever_it_must_work(quarter: tuple[int, str]) -> None:
    status, printed = quarter
    assert status == 0, printed
    assert all(f"{name} clients: " in printed for name in QUARTER)


def test_the_quarter_is_a_quarter() -> None:
    assert set(QUARTER) <= set(names())
    assert 4 * len(QUARTER) >= len(names())
    states = {find(name).truth.state[0].value for name in QUARTER}
    assert states == {find(name).truth.state[0].value for name in names()}, "a state that no run of CI sees"
    both = (
        {find(name).helper for name in QUARTER},
        [find(name) for name in QUARTER if find(name).truth.target],
    )
    assert all(both)


@pytest.mark.timeout(180)
def test_a_run_that_is_killed_leaves_no_process() -> None:
    with start("open", "--seeds", "1", "--no-real") as program:
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
