"""Scenarios as files: those that ship hold together, and mistakes are named."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import msgspec
import pytest

from circumvent.lab.scenario import ScenarioError, addresses, expanded, find, names, parse, servers
from circumvent.lab.scenario_world import labels, present, world_of
from circumvent.lab.truth import LATER
from circumvent.lab.world import prepare
from circumvent.lab.world.standard import standard_world
from circumvent.model.words import Status

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.prepare import Prepared

MINIMAL = """
name = "small"
title = "Small"
models = "Nothing."
sources = ["nobody"]

[[rule]]
name = "all"
scope = { servers = ["@network:krill"] }
when = "any-packet"
then = "drop"

[truth]
state = ["open"]

[[truth.option]]
match = ["*"]
statuses = ["works"]
why = "it does"

[[truth.option]]
match = ["doh *"]
statuses = ["blocked"]
why = "so we say"
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The files of the standard world; keys take long to make."""
    return prepare.prepare(standard_world(), tmp_path_factory.mktemp("world"))


@pytest.mark.parametrize("name", names())
def test_a_scenario_that_ships_is_whole(name: str) -> None:
    scenario = find(name)
    assert scenario.sources
    assert scenario.truth.of("any label at all") is not None, "every option has a truth"
    rules = [rule.name for rule in scenario.rules(world_of(scenario))]
    assert len(set(rules)) == len(rules)
    assert set(scenario.truth.silent) <= set(rules)
    unbuilt = set(scenario.truth.unbuilt)
    assert unbuilt <= LATER
    assert not unbuilt & {*scenario.truth.required, *scenario.truth.allowed}


@pytest.mark.parametrize("name", names())
def test_every_entry_of_truth_means_an_option(name: str, prepared: Prepared) -> None:
    scenario = find(name)
    world = world_of(scenario)
    found = labels(scenario, msgspec.structs.replace(prepared, world=world))
    assert len(set(found)) == len(found) > 0
    meant = {id(scenario.truth.of(label)) for label in found}
    idle = [entry.match for entry in scenario.truth.option if id(entry) not in meant]
    assert idle in ([], [("*",)])


def test_the_last_entry_that_matches_holds() -> None:
    truth = parse(MINIMAL, origin="small.toml").truth
    doh, dot = truth.of("doh dns.anvil.example"), truth.of("dot dns.anvil.example")
    assert doh is not None
    assert doh.statuses == (Status.BLOCKED,)
    assert dot is not None
    assert dot.statuses == (Status.WORKS,)


def test_servers_are_named_in_rules() -> None:
    world = standard_world()
    krill = addresses(world, ["@network:krill"])
    assert all(server.network == "krill" for server in servers(world, "@network:krill"))
    assert krill
    table = {"scope": {"servers": ["@network:krill", "192.0.2.1"]}, "target": ["@helper4", 443]}
    assert expanded(table, world) == {
        "scope": {"servers": [*krill, "192.0.2.1"]},
        "target": ["192.58.128.200", 443],
    }


def test_what_is_gone_is_still_asked_for() -> None:
    text = MINIMAL.replace(
        "[truth]", '[world]\ngone = ["dns.cedar.example"]\nclosed = ["www.iris.example"]\n\n[truth]'
    )
    scenario = parse(text, origin="small.toml")
    world = world_of(scenario)
    there = present(scenario, world)
    assert world.server("dns.cedar.example").services
    assert all(server.name != "dns.cedar.example" for server in there.servers)
    assert there.server("www.iris.example").services == ()
    assert world.server("www.iris.example").services != ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('then = "drop"', 'then = "drob"'), 'small.toml:11: rule[1].then.action: there is no "drob"'),
        (("title", "titel"), 'small.toml:3: titel: there is no "titel". Did you mean "title"?'),
        (("network:krill", "network:kril"), "there is no such server"),
        (('["open"]', '["opened"]'), "small.toml:14: truth.state"),
        (("[truth]", "[truth"), "small.toml:13: this is not TOML"),
        (('name = "small"', 'name = "large"'), "small.toml:2: name: this is not the file's name"),
    ],
)
def test_a_mistake_is_named_with_its_line(change: tuple[str, str], words: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(MINIMAL.replace(*change, 1), origin="small.toml")
    assert words in str(caught.value)


def test_a_scenario_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(MINIMAL, "utf-8")
    assert find(str(path)).title == tomllib.loads(MINIMAL)["title"]
    with pytest.raises(ScenarioError, match="can't be read"):
        find(str(tmp_path / "none.toml"))
    with pytest.raises(ScenarioError, match="known: "):
        find("nothing-of-the-kind")
