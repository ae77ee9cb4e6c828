"""``circumvent lab shell``: any program on the client's side of a scenario."""

from __future__ import annotations

import os
import sys

from circumvent.cli import terminal, values
from circumvent.cli.lab_run import failed
from circumvent.cli.lab_screens import scenario_named
from circumvent.lab.namespace import Refused
from circumvent.lab.run import RunFailedError
from circumvent.lab.shell import CHECK, run_program
from circumvent.say import lab

_SHELL = "/bin/sh"


def run_shell(name: str, command: list[str], *, seed: str | None) -> int:
    """Run a command, or the user's shell, inside a scenario; return its exit code.

    :raises ValueProblem: for a scenario or a seed that is none.
    """
    scenario = scenario_named(name)
    number = 0 if seed is None else values.count("--seed", seed)
    if not command:
        terminal.show(lab.opening(scenario), sys.stderr)
        terminal.tell(f"A shell on the client's side: exit leaves. The scenario's check: {CHECK}")
    try:
        return run_program(scenario, command or [os.environ.get("SHELL", _SHELL)], seed=number)
    except (Refused, RunFailedError, OSError) as exc:
        return failed(exc, scenario)
