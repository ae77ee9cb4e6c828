"""Tor bridges of the world: which programs run, how they are told, and what tor itself finds them to be."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.lab.wire import WireConfig, open_wire
from circumvent.lab.world import arguments, bridges, process
from circumvent.lab.world.bridges import BRIDGE_COMMANDS, lacking, with_bridges
from circumvent.lab.world.daemons import PROGRAMS
from circumvent.lab.world.prepare import prepare
from circumvent.lab.world.standard import standard_world
from circumvent.model.bridge import Obfs4Settings, TorSettings
from tests.lab.daemon import find_program
from tests.lab.tor import ANOTHER_RELAY, DESCRIPTOR, ask_tor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from circumvent.lab.wire import Wire
    from circumvent.lab.world.prepare import Prepared

NAMES = ("bridge.delta.example", "another-relay.krill.example", "stalled.krill.example", "site.grove.example")


def lines(prepared: Prepared) -> Mapping[str, dict[str, Any]]:
    """The rows of bridges, by their labels."""
    rows = tomllib.loads(arguments.options(prepared, everything=True))["option"]
    return {row["label"]: row for row in rows if "line" in row}


def test_no_bridge_runs_that_nobody_tries() -> None:
    assert not any(server.real for server in standard_world().servers)


def test_a_web_site_brings_its_bridge_and_a_stalled_one_has_no_tor() -> None:
    world = with_bridges(standard_world(), ["site.grove.example", "stalled.krill.example"])
    assert {server.name: server.real for server in world.servers if server.real} == {
        "bridge.delta.example": ("tor", "obfs4proxy"),
        "site.grove.example": ("nginx",),
        "stalled.krill.example": ("obfs4proxy",),
    }


def test_what_is_not_installed_is_known_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridges, "find_program", lambda name: None if name == "tor" else name)
    world = with_bridges(standard_world(), NAMES)
    assert [program.package for program in lacking(world)] == ["tor"]
    assert lacking(standard_world()) == ()
    assert BRIDGE_COMMANDS.keys() <= {program.name for program in PROGRAMS}


def test_users_are_told_the_truth_or_one_thing_that_is_wrong(prepared_world: Prepared) -> None:
    told = {label: parse_bridge(row["line"]).settings for label, row in lines(prepared_world).items()}
    for name in ("bridge.delta.example", "another-relay.krill.example", "another-cert.krill.example"):
        keys = prepared_world.bridges[name]
        vanilla, obfs4 = told[f"tor {name}"], told[f"obfs4 {name}"]
        assert isinstance(vanilla, TorSettings)
        assert isinstance(obfs4, Obfs4Settings)
        assert vanilla.fingerprint == obfs4.fingerprint
        assert (vanilla.fingerprint == bytes.fromhex(keys.fingerprint)) is ("relay" not in name)
        assert (obfs4.public_key == bytes.fromhex(keys.public_key)) is ("cert" not in name)
        assert obfs4.node_id == bytes.fromhex(keys.node_id)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    whole = standard_world()
    few = {*NAMES, whole.resolver}
    world = msgspec.structs.replace(
        whole, servers=tuple(server for server in whole.servers if server.name in few)
    )
    return prepare(with_bridges(world, NAMES), tmp_path_factory.mktemp("bridges"))


@pytest.fixture(scope="module")
def wire(prepared: Prepared) -> Iterator[Wire]:
    with open_wire(WireConfig(world=prepared.world.addresses())) as open_one:
        with open_one.in_world():
            running = process.start(prepared)
        yield open_one
        running.stop()


@pytest.mark.namespace
@pytest.mark.requires("tor", "obfs4proxy", "nginx")
@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("tor bridge.delta.example", DESCRIPTOR),
        ("obfs4 bridge.delta.example", DESCRIPTOR),
        ("tor another-relay.krill.example", ANOTHER_RELAY),
        ("obfs4 another-relay.krill.example", ANOTHER_RELAY),
    ],
)
def test_tor_itself_finds_what_the_lines_say(
    wire: Wire, prepared: Prepared, tmp_path: Path, label: str, found: str
) -> None:
    program = find_program("obfs4proxy") or ""
    with wire.in_client():
        assert ask_tor(tmp_path, lines(prepared)[label]["line"], program=program, seconds=40) == found
