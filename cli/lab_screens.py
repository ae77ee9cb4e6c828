"""``circumvent lab list``, ``show``, ``replay`` and ``doctor``: what needs no laboratory."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from circumvent.cli import terminal
from circumvent.cli.values import ValueProblem
from circumvent.lab.recording import RecordingError, recorded, shipped
from circumvent.lab.scenario import ScenarioError, find, names
from circumvent.say import lab
from circumvent.say.blocks import Space
from circumvent.say.end import Ending, end_screen
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.lab.run import Result
    from circumvent.lab.scenario import Scenario

ALL_RIGHT = 0
DIFFERS = 1
BAD_INPUT = 2
#: Nothing was decided: it was stopped, it broke, or the system does not allow it.
NOT_RUN = 3
_NAME = re.compile(r"[a-z0-9-]+")


def scenario_named(name: str) -> Scenario:
    """Return a scenario that ships with the package, or the one of a file.

    :raises ValueProblem: when there is none, or it can't be used.
    """
    if name.startswith("-"):
        raise ValueProblem("circumvent lab: SCENARIO comes first. Example: circumvent lab run open")
    if name not in names() and not name.endswith(".toml"):
        from circumvent.inputs.suggest import suggest  # noqa: PLC0415 - for a mistake only

        meant = suggest(name, names()) or _part(name)
        hint = f" Did you mean {meant}?" if meant else ""
        raise ValueProblem(
            f'circumvent lab: there is no scenario "{sanitise(name, 40)}".{hint} All of them: circumvent lab list'
        )
    try:
        return find(name)
    except ScenarioError as exc:
        raise ValueProblem(sanitise(str(exc), 300)) from exc


def run_list(*, plain: bool) -> int:
    """Print all scenarios."""
    terminal.show(lab.scenario_list(map(find, names()), recorded()), sys.stdout, plain=plain)
    return ALL_RIGHT


def run_show(name: str, *, plain: bool) -> int:
    """Print a scenario.

    :raises ValueProblem: when there is none of this name.
    """
    terminal.show(lab.in_full(scenario_named(name)), sys.stdout, plain=plain)
    return ALL_RIGHT


def run_rules(name: str | None, *, plain: bool) -> int:
    """Print documented behaviours, or one in full with its rules as a scenario has them.

    :raises ValueProblem: when there is none of this name, and none that begins so.
    """
    from circumvent.lab.behaviours import behaviours  # noqa: PLC0415 - for this command only
    from circumvent.say.lab_behaviours import behaviour_in_full, behaviour_list  # noqa: PLC0415 - as above

    known = behaviours()
    if name in known:
        one = known[name]
        scenarios = [each for each in names() if name in find(each).behaviours]
        terminal.show(behaviour_in_full(one, scenarios), sys.stdout, plain=plain)
        if one.rule:
            print(f"\n{one.text()}", end="", flush=True)  # no line of it may be broken
        return ALL_RIGHT
    found = [one for one in known.values() if one.id.startswith(name or "")]
    if not found:
        from circumvent.inputs.suggest import suggest  # noqa: PLC0415 - for a mistake only

        meant = suggest(name or "", tuple(known))
        hint = f" Did you mean {meant}?" if meant else ""
        raise ValueProblem(
            f'circumvent lab: there is no behaviour "{sanitise(name or "", 40)}".{hint} All of them: circumvent lab rules'
        )
    terminal.show(behaviour_list(found), sys.stdout, plain=plain)
    return ALL_RIGHT


def run_replay(name: str, *, plain: bool) -> int:
    """Print a recorded run.

    :raises ValueProblem: when there is no such scenario, or no recording of it.
    """
    scenario = scenario_named(name)
    try:
        result = shipped(scenario)
    except RecordingError as exc:
        raise ValueProblem(
            f"circumvent lab: {exc}. Recorded: {', '.join(recorded()) or 'none'}. To run it: circumvent lab run {sanitise(name, 60)}"
        ) from exc
    return show_result(scenario, result, plain=plain, from_recording=True)


def show_result(
    scenario: Scenario,
    result: Result,
    *,
    plain: bool,
    words: tuple[str, ...] = (),
    dumped: str | None = None,
    from_recording: bool = False,
    shown: bool = False,
) -> int:
    """Print the check's own screen, unless it was ``shown``, and truth beside verdict; return the exit code.

    ``words`` were given to the check, ``dumped`` is the file that it wrote.
    """
    status = ALL_RIGHT if result.comparison.right else DIFFERS
    screen = () if shown else (*end_screen(result.report, Ending(dumped=dumped)), Space())
    truth = lab.truth_beside_verdict(result, status=status, words=words, recorded=from_recording)
    opening = lab.opening(scenario) if from_recording else ()
    gap = (Space(),) if opening else ()
    terminal.show((*opening, *gap, *screen, *truth), sys.stdout, plain=plain)
    return status


def run_doctor(*, plain: bool) -> int:
    """Print what this machine has and lets us do."""
    from circumvent.lab.permission import permission  # noqa: PLC0415 - for this command only
    from circumvent.lab.world import daemons  # noqa: PLC0415 - as above

    allowed, found = permission(), daemons.doctor()
    terminal.show(lab.doctor_screen(allowed, found, daemons.install_command(found)), sys.stdout, plain=plain)
    return ALL_RIGHT if allowed.allowed else NOT_RUN


def _part(name: str) -> str | None:
    """Return the one scenario of whose name ``name`` is a part."""
    found = [one for one in names() if name and _NAME.fullmatch(name) and name in one]
    return found[0] if len(found) == 1 else None
