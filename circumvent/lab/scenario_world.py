"""The world of a scenario: the standard one with its changes, and what a check is told about it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent.lab import scenario_catalogue, scenario_dish
from circumvent.lab.engine import Path as Way
from circumvent.lab.engine import Segment
from circumvent.lab.link import LinkConfig
from circumvent.lab.scenario import addresses, matches, servers
from circumvent.lab.scenario_build import BuildError
from circumvent.lab.wire import CLIENT
from circumvent.lab.world import arguments
from circumvent.lab.world.bridges import with_bridges
from circumvent.lab.world.description import Bridge, Disguise
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from circumvent.lab.scenario import Direction, Scenario
    from circumvent.lab.world.description import Server, World
    from circumvent.lab.world.prepare import Prepared

#: The folder, beside the file of options, that has the files of a scenario's own catalogue.
CATALOGUE: Final = "catalogue"
#: What a control over plain HTTP must say; see :mod:`circumvent.lab.world.pages`.
PORTAL_CHECK: Final = "http://{address}/text#body=the control of the laboratory"


def world_of(scenario: Scenario) -> World:
    """Return the world of a scenario.

    :raises BuildError: when it changes a server that is not there.
    """
    changes = scenario.world
    world = msgspec.structs.replace(standard_world(shut_out=changes.shut_out), clock=changes.clock)
    for number, resolvers in enumerate(changes.resolvers):
        place = ("world", "resolvers", number)
        lies = addresses(world, resolvers.lies, place)
        for name in _named(world, resolvers.servers, place):
            world = world.with_character(name, resolvers.character, listed=resolvers.listed, lies=lies)
    for number, certificates in enumerate(changes.certificates):
        for name in _named(world, certificates.servers, ("world", "certificates", number)):
            server = msgspec.structs.replace(world.server(name), certificate=certificates.sort)
            world = world.with_server(server)
    if changes.resolver is not None:
        (name,) = _named(world, (changes.resolver,), ("world", "resolver"))[:1]
        world = msgspec.structs.replace(world, resolver=name)
    _named(world, changes.gone, ("world", "gone"))
    _named(world, changes.closed, ("world", "closed"))
    return world


def present(scenario: Scenario, world: World) -> World:
    """Return what really stands there: the world without what is gone, and without the services that are closed.

    Of Tor bridges those run that the scenario tries.
    """
    gone = set(_named(world, scenario.world.gone, ("world", "gone")))
    for name in _named(world, scenario.world.closed, ("world", "closed")):
        world = world.with_server(msgspec.structs.replace(world.server(name), services=()))
    world = msgspec.structs.replace(
        world, servers=tuple(server for server in world.servers if server.name not in gone)
    )
    return with_bridges(world, [server.name for server in world.servers if _bridge_tried(scenario, server)])


def programs_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the programs that must be installed for a scenario: nothing stands in for them."""
    servers = present(scenario, world_of(scenario)).servers
    return tuple(sorted({program for server in servers for program in server.real}))


def _bridge_tried(scenario: Scenario, server: Server) -> bool:
    kinds: list[str] = []
    for service in server.services:
        kinds += ("tor", "obfs4") if isinstance(service, Bridge) else ()
        kinds += ("webtunnel", "meek") if isinstance(service, Disguise) else ()
    return any(matches(f"{kind} {server.name}", scenario.check.options) for kind in kinds)


def way_of(scenario: Scenario) -> Way:
    """Return the way between client and world."""
    link = scenario.link
    return Way(
        near=Segment(mtu=link.mtu),
        far=Segment(mtu=link.mtu, up=_direction(link.up), down=_direction(link.down)),
    )


def client_of(scenario: Scenario) -> tuple[str, ...]:
    """Return the client's addresses."""
    wanted = {4: scenario.client.ipv4, 6: scenario.client.ipv6}
    return tuple(address for address in CLIENT if wanted[6 if ":" in address else 4])


def rows(scenario: Scenario, prepared: Prepared) -> list[dict[str, Any]]:
    """Return the options that are checked: those of the patterns, else all that are sound in the standard world."""
    patterns = scenario.check.options or _labels(msgspec.structs.replace(prepared, world=standard_world()))
    found: list[dict[str, Any]] = tomllib.loads(arguments.options(prepared, everything=True))["option"]
    return [row for row in found if matches(row["label"], patterns)]


def labels(scenario: Scenario, prepared: Prepared) -> tuple[str, ...]:
    """Return the labels of what is checked: those of the options, and of a dish that is there to be found."""
    found = tuple(str(row["label"]) for row in rows(scenario, prepared))
    return found if scenario.dish is None else (*found, scenario_dish.LABEL)


def _labels(prepared: Prepared) -> tuple[str, ...]:
    return tuple(row["label"] for row in tomllib.loads(arguments.options(prepared))["option"])


def words(scenario: Scenario, prepared: Prepared) -> list[str]:
    """Write the files that a check needs, and return the words of its command line."""
    keywords = arguments.write_files(prepared)
    option_file = Path(keywords["named"][0])
    given, known = held(scenario, rows(scenario, prepared))
    option_file.write_text("".join(map(_table, given)), "utf-8")
    if known:
        scenario_catalogue.write(known, prepared.world, option_file.with_name(CATALOGUE))
    if scenario.check.portal_check:
        host = prepared.world.server("control.fjord.example").name
        keywords["control"].append(PORTAL_CHECK.format(address=host))
    line = [*arguments.as_words(keywords), "--deadline", f"{scenario.check.seconds:g}"]
    line += ["--builtin"] if known else []
    line += scenario_dish.WORDS if scenario.dish is not None else []
    return [*line, "--all", "--fast", "--json", "--quiet", *scenario.check.words]


def held(
    scenario: Scenario, found: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Divide options into those that the user gives and those of the check's catalogue."""
    known = [row for row in found if matches(row["label"], scenario.check.catalogue)]
    return [row for row in found if row not in known], known


def _direction(one: Direction) -> LinkConfig:
    return LinkConfig(**{name: getattr(one, name) for name in one.__dataclass_fields__})


def _named(world: World, patterns: tuple[str, ...], place: tuple[str | int, ...]) -> list[str]:
    found: list[str] = []
    for pattern in patterns:
        meant = [one.name for one in servers(world, pattern)]
        if not meant:
            raise BuildError(place, f"{pattern}: there is no such server")
        found += meant
    return list(dict.fromkeys(found))


def _table(row: dict[str, Any]) -> str:
    return "\n".join(["[[option]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items()), "", ""])
