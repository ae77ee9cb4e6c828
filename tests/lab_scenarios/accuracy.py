"""The accuracy table: verdict against truth, by scenario and by kind. ``python -m tests.lab_scenarios.accuracy``.

::

    python -m tests.lab_scenarios.accuracy                     every scenario that ships, three seeds
    python -m tests.lab_scenarios.accuracy --seeds 1 open      one scenario, one seed
    python -m tests.lab_scenarios.accuracy --quarter           the fixed quarter that runs in CI
    python -m tests.lab_scenarios.accuracy --write docs/accuracy.md

Every run is a process with a laboratory of its own, ``--jobs`` at once. Status 0 if everything that is wanted holds;
2 if the kernel does not allow laboratories.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.recording import RecordingError, read
from circumvent.lab.scenario import find, names
from tests.lab.go_servers import SERVERS
from tests.lab_scenarios import document
from tests.lab_scenarios.table import Table, complaints, too_busy
from tests.lab_scenarios.worker import REFUSED, Confirmation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from circumvent.lab.run import Result

ROOT: Final = Path(__file__).parent.parent.parent
SEEDS: Final = 3
JOBS: Final = 3
#: How often a run is repeated that was spoiled by a busy machine.
REPEATS: Final = 2
#: Seconds after which a run is given up.
LONGEST: Final = 400.0
#: Laboratories at once in the quarter, which has few processes that compute and many that wait.
QUARTER_JOBS: Final = 4
#: A quarter of the scenarios: every family of rules that kinds of this version meet, every state that a scenario has, E1;
#: the longest first.
QUARTER: Final = (
    "captive-portal",  # HTTP pages, endpoints dropped
    "russia-mobile-allowlist",  # allow-lists of names and protocols
    "china-gfw-quic-sni",  # QUIC by name, residual blocking
    "iran-2019-national-only",  # prefixes, national_only
    "russia-16kb-cut",  # flows cut after so many bytes
    "state-root-in-os-store",  # a man in the middle, E1
    "china-gfw-dns",  # forged answers
    "tor-address-blocks",  # Tor bridges: blocked (E3), silent, dead, untouched
    "iran-2026-client-penalty",  # penalties on the whole client, a target
    "dish-cut-beyond",  # a terminal that is well, and nothing beyond it
    "dish-no-sky",  # a terminal that says what is wrong
    "offline",
)


@dataclass(frozen=True, slots=True)
class Said:
    """What a process printed, what it complained of, and its status."""

    printed: str
    errors: str
    status: int


@dataclass(frozen=True, slots=True)
class Job:
    """One process: a scenario, ``check`` or ``clients``, a seed."""

    scenario: str
    what: str
    seed: int

    def run(self) -> tuple[str, str, int]:
        """Run it; return what it printed, what it complained of, its status."""
        words = [sys.executable, "-m", "tests.lab_scenarios.worker", self.scenario, self.what, str(self.seed)]
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(SERVERS)])
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
        with subprocess.Popen(
            words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                said, errors = process.communicate(timeout=LONGEST)
            except subprocess.TimeoutExpired:
                process.kill()
                return "", f"nothing in {LONGEST:.0f} s", 1
        return said, errors, process.returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios and print the table."""
    given = _arguments(arguments)
    chosen = given.scenario or (QUARTER if given.quarter else names())
    seeds = given.seeds or (1 if given.quarter else SEEDS)
    jobs = [Job(name, "check", seed) for seed in range(seeds) for name in chosen]
    if given.real:
        jobs += [Job(name, "clients", 0) for name in chosen]
    at_once = given.jobs or (QUARTER_JOBS if given.quarter else JOBS)
    table, began = Table(), time.monotonic()
    waiting = jobs
    for again in range(REPEATS + 1):
        spoiled: list[Job] = []
        with ThreadPoolExecutor(1 if again else at_once) as pool:
            running = {pool.submit(job.run): job for job in waiting}
            try:
                for done in as_completed(running):
                    job, (said, errors, status) = running[done], done.result()
                    if status == REFUSED:
                        sys.stderr.write(errors)
                        return REFUSED
                    spoiled += _take(
                        table, job, Said(said, errors, status), given.keep, last=again == REPEATS
                    )
            finally:
                pool.shutdown(cancel_futures=True)
        waiting = spoiled
    _tell([f"{len(jobs)} runs in {time.monotonic() - began:.0f} s, {at_once} at once"])
    lines = list(table.lines())
    _tell(lines)
    if given.write is not None:
        document.write(given.write, lines, seeds=seeds, complete=set(chosen) == set(names()))
    return int(not table.good)


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="accuracy", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("scenario", nargs="*", default=[], help="names; all that ship, if there is none")
    parser.add_argument("--seeds", type=int, default=0, help=f"runs of each scenario ({SEEDS})")
    parser.add_argument("--jobs", type=int, default=0, help=f"laboratories at once ({JOBS})")
    parser.add_argument("--quarter", action="store_true", help="the fixed quarter of CI, one seed")
    parser.add_argument("--no-real", dest="real", action="store_false", help="without independent clients")
    parser.add_argument("--write", type=Path, help="put the table into this document")
    parser.add_argument("--keep", type=Path, help="keep every recording in this folder")
    return parser.parse_args(arguments)


def _take(table: Table, job: Job, came: Said, keep: Path | None, *, last: bool) -> list[Job]:
    """Put what a process printed into the table and say so; return the job if it must be run again.

    A run on a machine that was too busy is no run of its scenario, whatever was said in it: servers and wire were not what
    the scenario says. It is repeated when nothing else runs, and after the ``last`` repeat it counts as broken.
    """
    name = f"{job.scenario} {job.seed}" if job.what == "check" else f"{job.scenario} clients"
    if keep is not None and came.printed:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{name.replace(' ', '-')}.json").write_text(came.printed, "utf-8")
    try:
        if came.status != 0:
            raise RecordingError(came.errors.strip() or f"status {came.status}")
        if job.what == "clients":
            found = msgspec.json.decode(came.printed, type=list[Confirmation])
            table.confirmed[job.scenario] = found
            _tell(_of_clients(name, found))
            return []
        result = read(came.printed.encode(), find(job.scenario))
        why = too_busy(result)
        if why is not None and last:
            raise RecordingError(why)
    except (RecordingError, msgspec.DecodeError) as error:
        table.broken.append(f"{name}: {error}")
        _tell([f"{name}: BROKEN: {error}"])
        return []
    if why is not None:
        table.repeated.append(f"{name}: {why}")
        _tell([f"{name}: to be repeated: {why}"])
        return [job]
    table.results.append(result)
    _tell(_of_check(name, result))
    return []


def _of_check(name: str, result: Result) -> Iterator[str]:
    yield f"{name}: {'right' if result.comparison.right else 'WRONG'}, {result.seconds:.1f} s"
    yield from (f"    {line}" for line in complaints(result))


def _of_clients(name: str, found: list[Confirmation]) -> Iterator[str]:
    through = sum(one.through is True for one in found)
    absent = sum(one.through is None for one in found)
    yield f"{name}: {through} of {len(found)} confirmed" + (f", {absent} have no client" if absent else "")
    yield from (
        f"    {one.label}: WRONG, the client fails: {one.said}" for one in found if one.through is False
    )


def _tell(lines: Iterable[str]) -> None:
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
