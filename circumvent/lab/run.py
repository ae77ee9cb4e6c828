"""Runs a scenario: builds its world and wire, runs the unmodified check on the client's side, compares.

Everything happens in namespaces of its own, with its files in memory there. So nothing is left behind, also when it is
killed, and several can run at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.namespace import contained
from circumvent.lab.rules.redirect import ORACLE
from circumvent.lab.scenario_device import rename
from circumvent.lab.scenario_helper import ADDRESSES, command
from circumvent.lab.scenario_world import client_of, present, rows, way_of, words, world_of
from circumvent.lab.truth import compare
from circumvent.lab.wire import WireConfig, open_wire
from circumvent.lab.world import process
from circumvent.lab.world.prepare import prepare
from circumvent.model.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.scenario import Scenario
    from circumvent.lab.truth import Comparison
    from circumvent.lab.wire import Report as WireReport
    from circumvent.lab.world.description import World
    from circumvent.lab.world.prepare import Prepared

#: Where the files of a run lie: memory that only its own mount namespace has.
_FOLDER: Final = Path("/dev/shm/laboratory")  # noqa: S108 - see above
#: Seconds that a check may take beyond its deadline until it is killed, on a busy machine.
_PATIENCE: Final = 60.0
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


class RunFailedError(Exception):
    """There is nothing to compare: the lab or the check broke; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run. ``fired`` is on how many packets each rule fired, ``flows`` on how many flows; ``seconds`` is the check's."""

    scenario: str
    seed: int
    report: Report
    comparison: Comparison
    fired: dict[str, int]
    flows: dict[str, int]
    seconds: float
    status: int


class _Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What comes out of the namespaces."""

    error: str | None = None
    report: str = ""
    status: int = 0
    labels: tuple[str, ...] = ()
    rules: dict[str, dict[str, int]] = {}
    seconds: float = 0.0


def run(
    scenario: Scenario, *, seed: int = 0, words: Sequence[str] = (), record: Path | None = None
) -> Result:
    """Run a scenario once; ``words`` are further words of the check's command line, ``record`` a file for packets.

    :raises circumvent.lab.namespace.Refused: when the kernel does not allow namespaces.
    :raises RunFailedError: when the lab or the check broke.
    """
    resolver = world_of(scenario)
    outcome_file = os.memfd_create("outcome")
    try:
        status = contained(
            lambda: _inside(scenario, seed, tuple(words), record, outcome_file),
            resolv_conf=f"nameserver {resolver.server(resolver.resolver).ipv4}\n",
        )
        os.lseek(outcome_file, 0, os.SEEK_SET)
        with os.fdopen(os.dup(outcome_file), "rb") as file:
            text = file.read()
    finally:
        os.close(outcome_file)
    if not text:
        raise RunFailedError(f"the laboratory ended with status {status}")
    outcome = msgspec.json.decode(text, type=_Outcome)
    if outcome.error is not None:
        raise RunFailedError(outcome.error)
    report = Report.from_json(outcome.report)
    here = {option.label for option in report.options}
    labels = [label for label in outcome.labels if label in here] if words else outcome.labels
    fired = {name: counter["fired"] for name, counter in outcome.rules.items()}
    return Result(
        scenario=scenario.name,
        seed=seed,
        report=report,
        comparison=compare(report, scenario.truth, labels, fired),
        fired=fired,
        flows={name: counter["flows"] for name, counter in outcome.rules.items()},
        seconds=outcome.seconds,
        status=outcome.status,
    )


def _inside(
    scenario: Scenario, seed: int, more: tuple[str, ...], record: Path | None, outcome_file: int
) -> int:
    """Do everything, as the first process of namespaces of its own; write the outcome."""
    try:
        outcome = _run(scenario, seed, more, record)
    except Exception as exc:  # noqa: BLE001 - the other side of the namespaces must hear of everything
        outcome = _Outcome(error=f"{type(exc).__name__}: {exc}")
    with os.fdopen(os.dup(outcome_file), "wb") as file:
        file.write(msgspec.json.encode(outcome))
    return 0


def _run(scenario: Scenario, seed: int, more: tuple[str, ...], record: Path | None) -> _Outcome:
    world = world_of(scenario)
    there = present(scenario, world)
    prepared = prepare(world, _FOLDER)
    standing = _standing(prepared, there)
    with open_wire(_wire(scenario, world, there, seed, record)) as wire:
        with wire.in_world():
            servers = process.start(standing)
            helper = None if scenario.helper is None else _help(scenario.helper, prepared)
        try:
            given = [*words(scenario, prepared), *more]
            with wire.in_client():
                if scenario.client.device is not None:
                    rename(scenario.client.device, client_of(scenario), mtu=scenario.link.mtu)
                began = time.monotonic()
                text, status = _check(scenario, prepared, given)
                seconds = time.monotonic() - began
            log = servers.log_tail()
            if servers.process.poll() is not None:
                raise RunFailedError(f"the world ended during the run\n{log}")
            if helper is not None and helper.poll() is not None:
                raise RunFailedError("the censor's helper ended during the run")
        finally:
            servers.stop()
            if helper is not None:
                helper.kill()
                helper.wait()
        counted: WireReport = wire.report()
    labels = tuple(str(row["label"]) for row in rows(scenario, prepared))
    return _Outcome(report=text, status=status, labels=labels, rules=counted.rules, seconds=seconds)


def _standing(prepared: Prepared, there: World) -> Prepared:
    """Write the description that the world's process reads: without the servers that are gone."""
    standing = msgspec.structs.replace(prepared, world=there)
    standing.description.write_bytes(msgspec.json.encode(standing))
    return standing


def _wire(scenario: Scenario, world: World, there: World, seed: int, record: Path | None) -> WireConfig:
    return WireConfig(
        path=way_of(scenario),
        rules=scenario.rules(world),
        client=client_of(scenario),
        world=(*there.addresses(), *(() if scenario.helper is None else ADDRESSES.values())),
        beyond=() if scenario.helper is None else (str(ip_address(ORACLE.address)),),
        seed=seed,
        record=record,
    )


def _help(sort: str, prepared: Prepared) -> subprocess.Popen[bytes]:
    """Start a censor's program in the network of this thread."""
    helper = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command(sort, prepared.directory), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    if helper.stdout is None or helper.stdout.readline() != b"ready\n":
        helper.kill()
        helper.wait()
        raise RunFailedError("the censor's helper did not start")
    return helper


def _check(scenario: Scenario, prepared: Prepared, given: list[str]) -> tuple[str, int]:
    """Run the check in the network of this thread; return what it printed and its status."""
    home = _FOLDER / "home"
    home.mkdir(exist_ok=True)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment |= {"HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONDONTWRITEBYTECODE": "1"}
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    if scenario.client.trusts_interceptor:
        environment["SSL_CERT_FILE"] = prepared.interceptor
    command = [sys.executable, "-m", "circumvent.lab.scenario_client", str(scenario.client.clock)]
    log = _FOLDER / "check.log"
    with log.open("wb") as errors:
        check = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, "check", *given],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
        )
        try:
            printed, _ = check.communicate(timeout=scenario.check.seconds + _PATIENCE)
        except subprocess.TimeoutExpired:
            raise RunFailedError("the check did not end at its deadline") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                check.send_signal(signal.SIGKILL)
            check.wait()
    text = printed.decode("utf-8", "replace")
    if not text.strip():
        said = log.read_text("utf-8", "replace")[-_LONGEST_LOG:]
        raise RunFailedError(f"the check said nothing (status {check.returncode})\n{said}")
    return text, check.returncode
