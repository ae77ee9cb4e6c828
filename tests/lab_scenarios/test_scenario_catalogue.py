"""A scenario's own catalogue: given these options, expect these files, and that a check reads the same options."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from circumvent.catalog import entries
from circumvent.catalog.rows import BridgeRow, ResolverRow, StunRow
from circumvent.lab.scenario import find
from circumvent.lab.scenario_build import BuildError
from circumvent.lab.scenario_catalogue import name_in_truth, write
from circumvent.lab.scenario_world import CATALOGUE, held, rows, words
from circumvent.lab.world.prepare import Prepared, prepare
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from circumvent.lab.scenario import Scenario


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The files of the standard world; keys take long to make."""
    return prepare(standard_world(), tmp_path_factory.mktemp("world"))


def with_catalogue(*patterns: str) -> Scenario:
    """The open network, with some of its options in the catalogue."""
    scenario = find("open")
    return replace(scenario, check=replace(scenario.check, catalogue=patterns))


def labels(found: Sequence[dict[str, Any]]) -> list[str]:
    return [row["label"] for row in found]


def test_every_option_is_in_one_place(prepared: Prepared) -> None:
    scenario = with_catalogue("dot *")
    everything = rows(scenario, prepared)
    given, known = held(scenario, everything)
    assert labels(known) == [label for label in labels(everything) if label.startswith("dot ")]
    assert sorted(labels(given) + labels(known)) == sorted(labels(everything))


def test_a_check_reads_the_very_options(prepared: Prepared, tmp_path: Path) -> None:
    patterns = (
        "do* dns.anvil.example",
        "dns-* dns.anvil.example",
        "dot dns.cedar.example",
        "stun turn.iris.example *",
    )
    known = held(with_catalogue(*patterns), rows(with_catalogue(*patterns), prepared))[1]
    write(known, prepared.world, tmp_path)
    resolvers = tomllib.loads((tmp_path / "resolvers.toml").read_text("utf-8"))["resolver"]
    voices = tomllib.loads((tmp_path / "voice.toml").read_text("utf-8"))["stun"]
    assert (tmp_path / "pages.toml").read_text("utf-8") == ""
    read = [
        *(
            one
            for row in msgspec.convert(resolvers, list[ResolverRow])
            for one in entries.resolver_options(row)
        ),
        *(one for row in msgspec.convert(voices, list[StunRow]) for one in entries.stun_options(row)),
    ]
    names = [name_in_truth(one.kind, one.label, held_by_user=one.held_by_user) for one in read]
    assert sorted(names) == sorted(labels(known))
    assert {one.operator for one in read} == {"Anvil", "Cedar", "Iris"}


def test_bridges_of_the_catalogue_are_lines(prepared: Prepared, tmp_path: Path) -> None:
    scenario = find("tor-address-blocks")
    given, known = held(scenario, rows(scenario, prepared))
    assert labels(known) == ["tor bridge.heron.example", "obfs4 bridge.heron.example"]
    assert "tor bridge.iris.example" in labels(given)
    write(known, prepared.world, tmp_path)
    tables = tomllib.loads((tmp_path / "tor.toml").read_text("utf-8"))["bridge"]
    read = [entries.bridge_option(row) for row in msgspec.convert(tables, list[BridgeRow])]
    names = [name_in_truth(one.kind, one.label, held_by_user=one.held_by_user) for one in read]
    assert names == labels(known)
    assert {one.operator for one in read} == {"Heron"}


def test_the_check_is_told_to_try_it(prepared: Prepared) -> None:
    assert "--builtin" not in words(find("open"), prepared)
    given = words(with_catalogue("dot dns.anvil.example"), prepared)
    assert "--builtin" in given
    folder = type(prepared.description)(prepared.directory)
    assert (folder / CATALOGUE / "resolvers.toml").is_file()
    assert "dot dns.anvil.example" not in (folder / "options.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("patterns", "sentence"),
    [
        (("doh3 dns.anvil.example",), "a catalogue has it together with doh"),
        (("dns-udp dns.anvil.example",), "a catalogue has it together with dns-tcp"),
        (("https www.anvil.example",), "this kind is not among those that can be put there"),
        (("dot *",), "a check tries 3 of a catalogue's, and these are 6"),
    ],
)
def test_what_no_catalogue_can_have_is_refused(
    prepared: Prepared, tmp_path: Path, patterns: tuple[str, ...], sentence: str
) -> None:
    scenario = with_catalogue(*patterns)
    with pytest.raises(BuildError, match=sentence):
        write(held(scenario, rows(scenario, prepared))[1], prepared.world, tmp_path)
