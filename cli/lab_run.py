"""``circumvent lab run`` and ``record``: the unmodified check inside a scenario, and the truth beside it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from circumvent.cli import terminal, values
from circumvent.cli.lab_screens import BAD_INPUT, NOT_RUN, scenario_named, show_result
from circumvent.lab.namespace import Refused
from circumvent.lab.run import RunFailedError, run
from circumvent.say import lab
from circumvent.say.blocks import Space
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.lab.run import Result
    from circumvent.lab.scenario import Scenario

#: Options of the check that would leave a run without a report, or leave something behind.
_NOT_HERE: Final = {"plan": "--plan", "redact": "--redact", "save": "--save"}
#: Folders that are empty inside a laboratory.
_HIDDEN: Final = ("/run", "/dev/shm")  # noqa: S108 - named, not used


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says: a scenario, words for the check, and how to show it."""

    scenario: str
    words: tuple[str, ...] = ()
    seed: str | None = None
    json: bool = False
    plain: bool = False


def start(wanted: Wanted, record: Path | None = None) -> int:
    """Run a scenario, print what was said and what is true, return the exit code.

    :raises ValueProblem: for a scenario, a seed or an option of the check that can't be used.
    """
    scenario = scenario_named(wanted.scenario)
    seed = 0 if wanted.seed is None else values.count("--seed", wanted.seed)
    dump = check_words(wanted.words)["dump"]
    stream = sys.stderr if wanted.json else sys.stdout
    terminal.show((*lab.opening(scenario), Space()), stream, plain=wanted.plain)
    watched = terminal.is_terminal(sys.stderr)
    if watched:
        limit = f"{scenario.check.seconds:.0f}"
        terminal.tell(f"The check runs on the client's side; it takes {limit} s at most. Ctrl-C stops it.")
    try:
        result = run(
            scenario, seed=seed, words=wanted.words, record=record, watched=watched, plain=wanted.plain
        )
    except (Refused, RunFailedError, OSError) as exc:
        return failed(exc, scenario)
    if watched and not wanted.json:
        print(file=sys.stderr, flush=True)
    return _show(scenario, result, wanted, dump, shown=watched and terminal.is_terminal(sys.stdout))


def start_recording(wanted: Wanted, pcap: str | None) -> int:
    """Run a scenario as :func:`start` does, with the client's packets in a file.

    :raises ValueProblem: likewise, and when there is no place for the file.
    """
    if pcap is None:
        raise values.ValueProblem(
            "circumvent lab record: --pcap FILE is missing. Example: circumvent lab record open --pcap open.pcap"
        )
    file, shown = Path(pcap).absolute(), sanitise(pcap, 100)
    _check_place("--pcap", file)
    status = start(wanted, file)
    if status < BAD_INPUT and file.exists():
        terminal.tell(
            f"{file.stat().st_size} bytes of packets are in {shown}; their times count from the start."
        )
    return status


def _check_place(option: str, file: Path) -> None:
    """See before anything is built that a file can be written from inside a lab.

    :raises ValueProblem: when it can't.
    """
    shown = sanitise(str(file), 100)
    if any(str(file.resolve()).startswith(folder + "/") for folder in _HIDDEN):
        raise values.ValueProblem(
            f"{option}: {shown} is in a folder that is empty inside a lab. Choose another place."
        )
    there = file if file.exists() else file.parent
    if file.is_dir() or not file.parent.is_dir() or not os.access(there, os.W_OK):
        raise values.ValueProblem(f"{option}: {shown} can't be written. Choose another place.")


def check_words(words: tuple[str, ...]) -> dict[str, Any]:
    """See before anything is built that the check will take these words; return its options.

    :raises ValueProblem: when it won't.
    """
    from circumvent.check.settings import SettingsError  # noqa: PLC0415 - typer alone reads --help
    from circumvent.cli.commands import app  # noqa: PLC0415 - it imports the declaration of this command
    from circumvent.cli.options import settings_of  # noqa: PLC0415 - as above
    from circumvent.cli.usage import usage_sentence  # noqa: PLC0415 - as above

    group: Any = typer.main.get_command(app)
    command = group.commands["check"]
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]  # typer's own copy of click, or click
    try:
        with command.make_context("check", list(words)) as context:
            given = dict(context.params)
    except usage_error as exc:
        raise values.ValueProblem(usage_sentence(exc, command, "check")) from exc
    if given["dump"] is not None:
        _check_place("--dump", Path(given["dump"]).absolute())
    for name, option in _NOT_HERE.items():
        if given.get(name):
            raise values.ValueProblem(
                f"circumvent lab: {option} is not for a lab; inside a shell it works: circumvent lab shell open"
            )
    try:
        settings_of(given)
    except SettingsError as exc:
        raise values.ValueProblem(str(exc)) from exc
    return given


def failed(error: Exception, scenario: Scenario) -> int:
    """Say why nothing was decided."""
    if isinstance(error, RunFailedError):
        terminal.tell(f"circumvent lab: {sanitise(str(error), 600)}")
        return NOT_RUN
    from circumvent.lab.permission import permission  # noqa: PLC0415 - for a refusal only
    from circumvent.lab.recording import recorded  # noqa: PLC0415 - as above

    allowed = permission()
    if allowed.allowed:  # then something else than the permission is missing
        terminal.tell(f"circumvent lab: {sanitise(str(error), 600)}")
    else:
        terminal.tell(lab.refusal(allowed, scenario.name, recorded()))
    return NOT_RUN


def _show(scenario: Scenario, result: Result, wanted: Wanted, dump: str | None, *, shown: bool) -> int:
    if not wanted.json:
        return show_result(scenario, result, plain=wanted.plain, words=wanted.words, dumped=dump, shown=shown)
    from circumvent.lab.recording import write  # noqa: PLC0415 - for --json only

    print(write(result), flush=True)
    return 0 if result.comparison.right else 1
