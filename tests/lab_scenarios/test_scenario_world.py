"""From a scenario to what is built: the way, the client, the words of the check."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.laboratory import LaboratoryBroke, want_programs
from circumvent.lab.scenario import find
from circumvent.lab.scenario_world import client_of, present, programs_of, rows, way_of, words, world_of
from circumvent.lab.world import bridges
from circumvent.lab.world.description import Sort
from circumvent.lab.world.prepare import prepare

if TYPE_CHECKING:
    from pathlib import Path


def test_the_link_lies_beyond_the_censor() -> None:
    way = way_of(find("high-latency-geo-satellite"))
    assert way.near.up.perfect
    assert way.far.up.delay == 0.3
    assert way.far.down.loss == 0.002


def test_a_client_without_a_family_has_no_address_of_it() -> None:
    assert client_of(find("offline")) == ()
    assert all(":" in address for address in client_of(find("ipv6-only")))
    assert len(client_of(find("open"))) == 2


def test_changes_of_the_world() -> None:
    world = world_of(find("dead-servers-no-censor"))
    assert world.server("proxy.jasper.example").certificate is Sort.EXPIRED
    assert world.server("proxy.ember.example").certificate is Sort.GOOD


def test_of_bridges_those_run_that_are_tried() -> None:
    def running(name: str) -> set[str]:
        scenario = find(name)
        return {server.name for server in present(scenario, world_of(scenario)).servers if server.real}

    assert running("open") == set()
    assert running("tor-fully-encrypted") == {
        "bridge.delta.example",
        "bridge.heron.example",
        "site.grove.example",
    }
    assert "bridge.larch.example" not in running("tor-bridges"), "closed"
    assert "bridge.iris.example" not in running("tor-bridges"), "gone"
    assert programs_of(find("tor-flow-cuts")) == ("obfs4proxy", "tor")
    assert programs_of(find("open")) == ()


def test_what_a_bridge_needs_is_said_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bridges, "find_program", lambda name: None if name == "nginx" else name)
    scenario = find("tor-bridges")
    with pytest.raises(LaboratoryBroke, match=r"^this scenario needs nginx: apt-get install nginx-light$"):
        want_programs(present(scenario, world_of(scenario)))


def test_the_clocks_of_servers_can_be_moved() -> None:
    assert world_of(find("tor-bridge-clock")).clock == 7200.0
    assert world_of(find("open")).clock == 0.0


def test_what_the_check_is_told(tmp_path: Path) -> None:
    scenario = find("captive-portal")
    prepared = prepare(world_of(scenario), tmp_path)
    given = words(scenario, prepared)
    assert "--json" in given
    assert any(word.startswith("http://control.") for word in given), "a control over plain HTTP"
    few = replace(scenario, check=replace(scenario.check, options=("doh *.anvil.example",)))
    assert [row["label"] for row in rows(few, prepared)] == ["doh dns.anvil.example"]
