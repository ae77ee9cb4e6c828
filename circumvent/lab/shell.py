"""Any program on the client's side of a scenario: a shell, curl, a browser, an app."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from circumvent.lab.laboratory import FOLDER, LaboratoryBroke, environment, open_laboratory, resolv_conf
from circumvent.lab.namespace import FOR_US_ALONE, contained
from circumvent.lab.run import COMMAND_LINE, RunFailedError
from circumvent.lab.scenario_client import command
from circumvent.lab.scenario_world import CATALOGUE, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from circumvent.lab.scenario import Scenario
    from circumvent.lab.world.prepare import Prepared

#: A script on the client's side that runs the check of the scenario: its options, controls and roots.
CHECK: Final = FOLDER / "check"
#: Words of a scenario's check that are for programs, not for people.
_FOR_PROGRAMS: Final = ("--json", "--quiet")
_NOT_FOUND: Final = 127
#: What the first process inside returns when the laboratory broke; the reason is in the pipe.
_BROKE: Final = 3
#: Seconds that a program may take to leave.
_FAREWELL: Final = 2.0
#: What the program hears by way of us.
_HEEDED: Final = frozenset({signal.SIGINT, signal.SIGTERM, FOR_US_ALONE})


def run_program(scenario: Scenario, program: Sequence[str], *, seed: int = 0) -> int:
    """Run a program with the terminal of this process; return its status.

    In its environment ``SSL_CERT_FILE`` and ``CURL_CA_BUNDLE`` name the world's own authority, and
    ``CIRCUMVENT_LAB`` the scenario.

    :raises circumvent.lab.namespace.Refused: when the kernel does not allow namespaces.
    :raises RunFailedError: when the laboratory broke.
    """
    reason = os.memfd_create("reason")
    try:
        with _own_terminal():
            status = contained(
                lambda: _inside(scenario, tuple(program), seed, reason), resolv_conf=resolv_conf(scenario)
            )
        os.lseek(reason, 0, os.SEEK_SET)
        with os.fdopen(os.dup(reason), "rb") as file:
            said = file.read().decode("utf-8", "replace")
    finally:
        os.close(reason)
    if said:
        raise RunFailedError(said)
    return status


def _inside(scenario: Scenario, program: tuple[str, ...], seed: int, reason: int) -> int:
    try:
        with open_laboratory(scenario, seed, None) as laboratory:
            prepared = laboratory.prepared
            _write_check(scenario, prepared)
            with laboratory.wire.in_client():
                return _run(program, _variables(scenario, prepared))
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except LaboratoryBroke as exc:
        os.write(reason, str(exc).encode())
        return _BROKE
    except Exception as exc:  # noqa: BLE001 - the other side of the namespaces must hear of everything
        os.write(reason, f"{type(exc).__name__}: {exc}".encode())
        return _BROKE


def _run(program: tuple[str, ...], variables: dict[str, str]) -> int:
    terminal = _terminal()

    def take() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
        # A shell can't take the terminal for a group whose number is of another namespace: it gets one of its own. Here,
        # before it begins: a shell that finds itself in the background stops, and nobody would continue it.
        if terminal is not None:
            os.setpgid(0, 0)
            _give(terminal, os.getpgrp())

    # What comes before the program can be told waits until it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEEDED)
    try:
        started = subprocess.Popen(program, env=variables, preexec_fn=take)  # noqa: S603, PLW1509 - the user's; no threads
    except OSError as exc:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
        sys.stderr.write(f"{program[0]}: {exc.strerror}\n")
        return _NOT_FOUND
    with _passing_on(started, own_group=terminal is not None):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEEDED)
        code = started.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _passing_on(started: subprocess.Popen[bytes], *, own_group: bool) -> Iterator[None]:
    """Ignore what the program hears itself; pass on what came to the process outside alone.

    SIGTERM ends everything: a program that stands at a terminal is told as if that had gone (SIGHUP), because shells
    ignore the other signals there.
    """

    def send(number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if own_group:
                os.killpg(started.pid, number)
            else:
                started.send_signal(number)

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        send(signal.SIGINT)

    def terminate(number: int, frame: FrameType | None) -> None:
        del number, frame
        send(signal.SIGHUP if own_group else signal.SIGTERM)
        with contextlib.suppress(OSError), os.fdopen(os.pidfd_open(started.pid), "rb") as ending:
            select.select([ending], [], [], _FAREWELL)
        raise KeyboardInterrupt

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
        FOR_US_ALONE: signal.signal(FOR_US_ALONE, interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _variables(scenario: Scenario, prepared: Prepared) -> dict[str, str]:
    own = dict.fromkeys(("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"), prepared.ca)
    return {**os.environ, **own, "CIRCUMVENT_LAB": scenario.name}


def _write_check(scenario: Scenario, prepared: Prepared) -> None:
    given = [word for word in words(scenario, prepared) if word not in _FOR_PROGRAMS]
    client = command(scenario, FOLDER / CATALOGUE, COMMAND_LINE)
    variables = [f"{name}={value}" for name, value in environment().items()]
    line = shlex.join(["env", *variables, *client, "check", *given])
    CHECK.write_text(f'#!/bin/sh\nexec {line} "$@"\n', "utf-8")
    CHECK.chmod(0o700)


def _terminal() -> int | None:
    """Return the descriptor of the terminal that this process reads from, if it does."""
    try:
        number = sys.stdin.fileno()
        return number if os.isatty(number) else None
    except (OSError, ValueError, AttributeError):
        return None


@contextlib.contextmanager
def _own_terminal() -> Iterator[None]:
    """Take the terminal back afterwards, if it was ours."""
    terminal = _terminal()
    ours = False
    if terminal is not None:
        with contextlib.suppress(OSError):
            ours = os.tcgetpgrp(terminal) == os.getpgrp()
    try:
        yield
    finally:
        if terminal is not None and ours:
            _give(terminal, os.getpgrp())


def _give(terminal: int, group: int) -> None:
    """Make a group of processes the one that the terminal listens to."""
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else who is in the background stops here
    try:
        with contextlib.suppress(OSError):
            os.tcsetpgrp(terminal, group)
    finally:
        signal.signal(signal.SIGTTOU, before)
