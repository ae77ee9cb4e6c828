"""A scenario's dish: it is the gateway of the client's link, and it is found by an unmodified check. Whole runs."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from circumvent.lab import scenario_dish
from circumvent.lab.scenario import find, names
from circumvent.lab.world.dish import State
from circumvent.model.words import FindingKind, NetworkState, Status
from tests.lab.left_out import leave_out
from tests.lab_scenarios.test_run import REFUSED, start

DISHES = tuple(name for name in names() if find(name).dish is not None)


def test_every_link_of_the_chain_breaks_in_a_scenario() -> None:
    states = {find(name).dish for name in DISHES}
    assert states == {State.WELL, State.NO_SKY, State.NO_GATEWAY, State.JAMMING}
    assert FindingKind.JAMMING_SUSPECTED in find("dish-jammed").truth.required


@pytest.mark.parametrize("name", DISHES)
def test_what_a_broken_link_makes_of_the_terminal(name: str) -> None:
    scenario = find(name)
    entry = scenario.truth.of(scenario_dish.LABEL)
    assert entry is not None
    broken = replace(scenario.link).down.loss == 1.0 or scenario.truth.state[0] is NetworkState.LOCAL_ONLY
    assert (Status.WORKS in entry.statuses) is not broken


def test_a_dish_says_when_it_can_not_stand() -> None:
    """Its address is none of this machine's."""
    done = subprocess.run(scenario_dish.command(State.WELL), capture_output=True, check=False)
    assert done.returncode != 0
    assert b"ready" not in done.stdout
    with pytest.raises(scenario_dish.DishBroke), scenario_dish.standing(State.WELL):
        pass  # pragma: no cover - it is not entered
    assert scenario_dish.command(State.JAMMING)[:1] == [sys.executable]


@pytest.mark.daemons
@pytest.mark.timeout(300)
def test_a_dish_without_a_ground_station_is_called_that() -> None:
    """The others are runs of the accuracy table."""
    with start("dish-no-gateway", "--seeds", "1", "--no-real") as program:
        printed, errors = program.communicate()
    if program.returncode == REFUSED:
        leave_out(errors.strip())
    assert "dish-no-gateway 0: right" in printed, printed + errors
