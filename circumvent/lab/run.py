"""Runs a scenario: builds its world and wire, runs the unmodified check on the client's side, compares.

Everything happens in namespaces of its own, with its files in memory there. So nothing is left behind, also when it is
killed, and several can run at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.laboratory import FOLDER, LaboratoryBroke, environment, open_laboratory, resolv_conf
from circumvent.lab.namespace import INTERRUPTED, contained
from circumvent.lab.scenario_client import command
from circumvent.lab.scenario_world import CATALOGUE, labels, words
from circumvent.lab.truth import compare, name_of
from circumvent.model.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from circumvent.lab.scenario import Scenario
    from circumvent.lab.truth import Comparison
    from circumvent.lab.world.prepare import Prepared

#: The entry point of the command line. A name, as this package stands below it and does not import it.
COMMAND_LINE: Final = "circumvent.cli.app:main"
#: Seconds that a check may take beyond its deadline until it is killed, on a busy machine.
_PATIENCE: Final = 60.0
#: Seconds that an interrupted check may take to leave.
_FAREWELL: Final = 2.0
_LONGEST_LOG: Final = 4000
#: What of the environment a check gets.
_KEPT: Final = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LD_LIBRARY_PATH",
    "COVERAGE_PROCESS_START",
    "CIRCUMVENT_DEBUG",
)
#: And where a person looks on.
_KEPT_ON_TERMINALS: Final = ("TERM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CIRCUMVENT_PLAIN")


class RunFailedError(Exception):
    """There is nothing to compare: the lab or the check broke; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run. ``fired`` is on how many packets each rule fired, ``flows`` on how many flows; ``seconds`` is the check's.

    ``late`` are the seconds by which the wire was late in all, for want of processor time: a network that was not what the
    scenario says.
    """

    scenario: str
    seed: int
    report: Report
    comparison: Comparison
    fired: dict[str, int]
    flows: dict[str, int]
    seconds: float
    status: int
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class _How:
    """Which command line is started, whether a person looks on, and whether that one wants sentences."""

    program: str
    watched: bool
    plain: bool


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What comes out of the namespaces."""

    error: str | None = None
    interrupted: bool = False
    report: str = ""
    status: int = 0
    labels: tuple[str, ...] = ()
    rules: dict[str, dict[str, int]] = {}
    seconds: float = 0.0
    late: float = 0.0


def run(
    scenario: Scenario,
    *,
    seed: int = 0,
    words: Sequence[str] = (),
    record: Path | None = None,
    program: str = COMMAND_LINE,
    watched: bool = False,
    plain: bool = False,
) -> Result:
    """Run a scenario once; ``words`` are further words of the check's command line, ``record`` a file for packets.

    ``program`` is the entry point of the command line that is started, as ``module:function``. ``watched``: what the
    check shows while it runs, and its end screen, go to standard error, which is a terminal (``plain``: in sentences); else it is silent.

    :raises circumvent.lab.namespace.Refused: when the kernel does not allow namespaces.
    :raises RunFailedError: when the lab or the check broke.
    :raises KeyboardInterrupt: when an interrupt ended it.
    """
    how = _How(program, watched, plain)
    outcome_file = os.memfd_create("outcome")
    try:
        status = contained(
            lambda: _inside(scenario, seed, tuple(words), record, how, outcome_file),
            resolv_conf=resolv_conf(scenario),
        )
        os.lseek(outcome_file, 0, os.SEEK_SET)
        with os.fdopen(os.dup(outcome_file), "rb") as file:
            text = file.read()
    finally:
        os.close(outcome_file)
    if not text and status == INTERRUPTED:
        raise KeyboardInterrupt
    if not text:
        raise RunFailedError(f"the laboratory ended with status {status}")
    outcome = msgspec.json.decode(text, type=_Outcome)
    if outcome.interrupted:
        raise KeyboardInterrupt
    if outcome.error is not None:
        raise RunFailedError(outcome.error)
    report = Report.from_json(outcome.report)
    here = {name_of(option) for option in report.options}
    tried = [label for label in outcome.labels if label in here] if words else outcome.labels
    fired = {name: counter["fired"] for name, counter in outcome.rules.items()}
    return Result(
        scenario=scenario.name,
        seed=seed,
        report=report,
        comparison=compare(report, scenario.truth, tried, fired),
        fired=fired,
        flows={name: counter["flows"] for name, counter in outcome.rules.items()},
        seconds=outcome.seconds,
        status=outcome.status,
        late=outcome.late,
    )


def _inside(
    scenario: Scenario,
    seed: int,
    more: tuple[str, ...],
    record: Path | None,
    how: _How,
    outcome_file: int,
) -> int:
    """Do everything, as the first process of namespaces of its own; write the outcome."""
    try:
        outcome = _run(scenario, seed, more, record, how)
    except KeyboardInterrupt:
        outcome = _Outcome(interrupted=True)
    except LaboratoryBroke as exc:
        outcome = _Outcome(error=str(exc))
    except Exception as exc:  # noqa: BLE001 - the other side of the namespaces must hear of everything
        outcome = _Outcome(error=f"{type(exc).__name__}: {exc}")
    with os.fdopen(os.dup(outcome_file), "wb") as file:
        file.write(msgspec.json.encode(outcome))
    return 0


def _run(scenario: Scenario, seed: int, more: tuple[str, ...], record: Path | None, how: _How) -> _Outcome:
    with open_laboratory(scenario, seed, record) as laboratory:
        prepared = laboratory.prepared
        given = [*words(scenario, prepared), *more]
        if how.watched:
            given.remove("--quiet")
            given += ["--plain"] if how.plain else []
        with laboratory.wire.in_client():
            began = time.monotonic()
            text, status = _check(scenario, prepared, given, how)
            seconds = time.monotonic() - began
        counted = laboratory.wire.report()
    late = counted.engine["late_ms"] / 1000
    return _Outcome(
        report=text,
        status=status,
        labels=labels(scenario, prepared),
        rules=counted.rules,
        seconds=seconds,
        late=late,
    )


def _check(scenario: Scenario, prepared: Prepared, given: list[str], how: _How) -> tuple[str, int]:
    """Run the check in the network of this thread; return what it printed and its status."""
    home = FOLDER / "home"
    home.mkdir(exist_ok=True)
    kept = _KEPT + (_KEPT_ON_TERMINALS if how.watched else ())
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    variables |= {"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"} | environment()
    if scenario.client.trusts_interceptor:
        variables["SSL_CERT_FILE"] = prepared.interceptor
    client = command(scenario, FOLDER / CATALOGUE, how.program)
    log = FOLDER / "check.log"
    with log.open("wb") as errors:
        check = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*client, "check", *given],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None if how.watched else errors,
            env=variables,
            # Until it takes interrupts, which it does in any case, an interpreter would print where it was.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),  # noqa: PLW1509 - no threads here
        )
        try:
            printed, _ = check.communicate(timeout=scenario.check.seconds + _PATIENCE)
        except subprocess.TimeoutExpired:
            raise RunFailedError("the check did not end at its deadline") from None
        except KeyboardInterrupt:
            _interrupt(check)
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                check.send_signal(signal.SIGKILL)
            check.wait()
    text = printed.decode("utf-8", "replace")
    if not text.strip():
        said = log.read_text("utf-8", "replace")[-_LONGEST_LOG:]
        raise RunFailedError(f"the check said nothing (status {check.returncode})\n{said}")
    return text, check.returncode


def _interrupt(check: subprocess.Popen[bytes]) -> None:
    """Let the check leave the terminal as it was; its report is lost, as nobody would hold it against a truth."""
    with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
        check.send_signal(signal.SIGINT)
        check.communicate(timeout=_FAREWELL)
