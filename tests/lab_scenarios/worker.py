"""One run of the accuracy table, in a process of its own: ``python -m tests.lab_scenarios.worker SCENARIO check SEED``.

A run divides its process, which a program that waits for several must not do itself. ``check`` prints the recording of
a run; ``clients`` builds the same laboratory once more and prints, as JSON, what became of independent clients in it.
Status 2: the kernel refuses; 3: the laboratory broke. Both say why. It ends with the program that started it.
"""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent.lab.laboratory import FOLDER, open_laboratory, resolv_conf
from circumvent.lab.namespace import Refused, contained, die_with_parent
from circumvent.lab.recording import write
from circumvent.lab.run import RunFailedError, run
from circumvent.lab.scenario import find
from circumvent.lab.scenario_world import rows
from circumvent.model.words import Status
from tests.lab.daemon import find_program
from tests.lab_scenarios.clients import CLIENTS, NOBODY, Failed, Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.scenario import Scenario
    from circumvent.lab.world.prepare import Prepared

REFUSED: Final = 2
BROKE: Final = 3
#: Clients at once: few, so that a server's or a censor's limits on connections are not met.
AT_ONCE: Final = 4
#: Tries of a client that fails: what is lost once on a bad line is no contradiction.
TRIES: Final = 2


class Confirmation(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a client: ``through`` is ``None`` where there was none, and ``said`` says why, or what failed."""

    label: str
    kind: str
    through: bool | None
    said: str = ""


def clients(scenario: Scenario, seed: int) -> list[Confirmation]:
    """Let an independent client use each option that must work, in a fresh laboratory of the scenario.

    :raises Refused: when the kernel does not allow namespaces.
    :raises RunFailedError: when the laboratory broke.
    """
    outcome = os.memfd_create("outcome")
    try:
        contained(lambda: _inside(scenario, seed, outcome), resolv_conf=resolv_conf(scenario))
        os.lseek(outcome, 0, os.SEEK_SET)
        with os.fdopen(os.dup(outcome), "rb") as file:
            text = file.read()
    finally:
        os.close(outcome)
    if not text:
        raise RunFailedError("the laboratory of the clients broke")
    return msgspec.json.decode(text, type=list[Confirmation])


def _inside(scenario: Scenario, seed: int, outcome: int) -> int:
    with open_laboratory(scenario, seed, None) as laboratory:
        must = [row for row in rows(scenario, laboratory.prepared) if _must_work(scenario, row["label"])]
        # Threads inherit the network of the thread that starts them, and programs that of theirs.
        with laboratory.wire.in_client(), ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(lambda row: confirm(row, scenario, laboratory.prepared), must))
    os.write(outcome, msgspec.json.encode(found))
    return 0


def _must_work(scenario: Scenario, label: str) -> bool:
    entry = scenario.truth.of(label)
    return entry is not None and tuple(entry.statuses) == (Status.WORKS,)


def confirm(row: dict[str, Any], scenario: Scenario, prepared: Prepared) -> Confirmation:
    """Let the client of its kind use an option, twice if it must; to be called on the client's side."""
    kind, label = row["kind"], row["label"]
    client = CLIENTS.get(kind)
    if client is None:
        return Confirmation(
            label=label, kind=kind, through=None, said=NOBODY.get(kind, "nobody has written one yet")
        )
    absent = [program for program in client.programs if find_program(program) is None]
    if absent:
        return Confirmation(
            label=label, kind=kind, through=None, said=f"{', '.join(absent)} is not installed"
        )
    said = ""
    for _ in range(TRIES):
        with TemporaryDirectory(dir=FOLDER, prefix=f"client-{threading.get_native_id()}-") as folder:
            place = Place(prepared, Path(folder), 4 if scenario.client.ipv4 else 6)
            try:
                client.use(row, place)
            except (Failed, OSError, ValueError) as error:
                said = f"{type(error).__name__}: {error}" if not isinstance(error, Failed) else str(error)
            else:
                return Confirmation(label=label, kind=kind, through=True)
    return Confirmation(label=label, kind=kind, through=False, said=said)


def main(arguments: Sequence[str]) -> int:
    """Do one run and print what came of it."""
    name, what, seed = arguments
    try:
        if what == "check":
            sys.stdout.write(write(run(find(name), seed=int(seed)), attempts=False))
        else:
            sys.stdout.write(msgspec.json.encode(clients(find(name), int(seed))).decode())
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    except RunFailedError as error:
        sys.stderr.write(f"{error}\n")
        return BROKE
    return 0


if __name__ == "__main__":
    die_with_parent(os.getppid())
    sys.exit(main(sys.argv[1:]))
