"""Builds a scenario's laboratory: its wire, its world, the censor's helper. For a check, or for any other program.

Whoever opens one is in namespaces of its own already (:func:`circumvent.lab.namespace.contained`): its files lie in
memory there, and whatever it starts ends with it.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab import scenario_dish
from circumvent.lab.rules.redirect import ORACLE
from circumvent.lab.scenario_apps import speak
from circumvent.lab.scenario_device import rename
from circumvent.lab.scenario_helper import ADDRESSES, command
from circumvent.lab.scenario_world import client_of, present, way_of, world_of
from circumvent.lab.wire import DEVICE, WireConfig, open_wire
from circumvent.lab.world import bridges, process
from circumvent.lab.world.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.lab.scenario import Scenario
    from circumvent.lab.wire import Wire
    from circumvent.lab.world.description import World
    from circumvent.lab.world.prepare import Prepared

#: Where the files of a run lie: memory that only its own mount namespace has.
FOLDER: Final = Path("/dev/shm/laboratory")  # noqa: S108 - see above


class LaboratoryBroke(Exception):
    """A part of the laboratory ended too early; the message says which."""


@dataclass(frozen=True, slots=True)
class Laboratory:
    """What stands: the wire, and the world with its files."""

    wire: Wire
    prepared: Prepared


def resolv_conf(scenario: Scenario) -> str:
    """Return the ``/etc/resolv.conf`` of a scenario's client."""
    world = world_of(scenario)
    return f"nameserver {world.server(world.resolver).ipv4}\n"


@contextlib.contextmanager
def open_laboratory(scenario: Scenario, seed: int, record: Path | None) -> Iterator[Laboratory]:
    """Build everything and take it down again.

    :raises LaboratoryBroke: when a part of it did not start, or ended meanwhile.
    :raises circumvent.lab.namespace.Refused: when the kernel does not allow what is needed.
    """
    world = world_of(scenario)
    there = present(scenario, world)
    want_programs(there)
    prepared = prepare(world, FOLDER)
    standing = _standing(prepared, there)
    with open_wire(_wire(scenario, world, there, seed, record)) as wire, contextlib.ExitStack() as beside:
        if scenario.dish is not None:
            with wire.in_middle():
                beside.enter_context(scenario_dish.standing(scenario.dish))
        with wire.in_world():
            servers = process.start(standing)
            helper = None if scenario.helper is None else _help(scenario.helper, prepared)
        try:
            if scenario.client.device is not None:
                with wire.in_client():
                    rename(scenario.client.device, client_of(scenario), mtu=scenario.link.mtu)
            with wire.in_client():
                if scenario.dish is not None:
                    scenario_dish.make_gateway(scenario.client.device or DEVICE)
                speak(scenario.client.app, there, seed)
            yield Laboratory(wire, prepared)
            if servers.process.poll() is not None:
                raise LaboratoryBroke(f"the world ended during the run\n{servers.log_tail()}")
            if helper is not None and helper.poll() is not None:
                raise LaboratoryBroke("the censor's helper ended during the run")
        finally:
            servers.stop()
            if helper is not None:
                helper.kill()
                helper.wait()


def want_programs(there: World) -> None:
    """See to it that the programs are installed for which nothing stands in.

    :raises LaboratoryBroke: with what brings those that are not.
    """
    absent = bridges.lacking(there)
    if absent:
        packages = " ".join(sorted({program.package for program in absent}))
        raise LaboratoryBroke(
            f"this scenario needs {', '.join(program.name for program in absent)}: apt-get install {packages}"
        )


def environment() -> dict[str, str]:
    """Return what a program of ours needs in its environment to run from this interpreter."""
    return {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


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
        middle=() if scenario.dish is None else (scenario_dish.ADDRESS,),
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
        raise LaboratoryBroke("the censor's helper did not start")
    return helper
