"""Signals of a check: the first ends it, the second leaves, at whatever moment they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import anyio
import pytest

from circumvent.cli.interrupts import Interrupts
from tests.cli.pty_run import ROOT

pytestmark = pytest.mark.anyio

#: A process whose signals are taken; it tells what it is about to do, and does it for a while.
PROCESS = """
import time
from circumvent.cli.interrupts import Interrupts
interrupts = Interrupts()
interrupts.install()
{body}
"""
BEFORE = """
try:
    print("ready", flush=True)
    time.sleep(20)
except KeyboardInterrupt:
    print("first", flush=True)
    time.sleep(20)
"""
AFTER = """
with interrupts.listening(lambda: None):
    pass
print("ready", flush=True)
for _ in range(2000):
    time.sleep(0.01)
    if interrupts.pressed:
        print("first", flush=True)
        time.sleep(20)
"""
INSIDE = """
with interrupts.listening(lambda: print("restored", flush=True)):
    print("ready", flush=True)
    while not interrupts.pressed:
        time.sleep(0.01)
    print("first", flush=True)
    time.sleep(20)
"""


async def test_the_first_reaches_the_listener() -> None:
    interrupts = Interrupts()
    with interrupts.listening(lambda: None) as listener, anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(listener.wait)
            await anyio.wait_all_tasks_blocked()
            interrupts(signal.SIGINT, None)
    assert interrupts.pressed


def test_with_nobody_listening_it_is_a_keyboard_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        Interrupts()(signal.SIGTERM, None)


def test_once_the_check_is_over_the_first_takes_nothing_away() -> None:
    interrupts = Interrupts()
    with interrupts.listening(lambda: None):
        pass
    interrupts(signal.SIGINT, None)
    assert interrupts.pressed


@pytest.mark.parametrize("body", [BEFORE, INSIDE, AFTER], ids=["before", "inside", "after"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_the_second_leaves_at_once(body: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(body=body)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.stdout.readline() == "first\n"
    began = time.monotonic()
    process.send_signal(number)
    rest, _ = process.communicate(timeout=20)
    assert process.returncode == 3
    assert rest == ("restored\n" if body is INSIDE else "")
    assert time.monotonic() - began < 0.9
