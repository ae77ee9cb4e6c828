"""Where a terminal is reachable directly, through a router, and not at all; and a check over two connections. Real packets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from circumvent.model.report import Report
from circumvent.model.words import NetworkState, Status
from circumvent.say.links import rows_of
from circumvent.say.sums import carries
from tests.lab.houses import REFUSED, ROOT, WORLD
from tests.lab.left_out import leave_out

#: Wanted: 2 s when there is no terminal. The bound is three times as generous, for a busy machine.
WITHOUT = 6.0

pytestmark = pytest.mark.timeout(120)


def live_in(house: str, *words: str) -> dict[str, Any]:
    """What ``circumvent`` made of these words on the client's side of a house."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.lab.houses", house, *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
    )
    if done.returncode == REFUSED:
        leave_out(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("house", "interface"), [("direct", "eth0"), ("routed", "wlan0")])
def test_a_dish_at_the_end_of_a_cable_and_one_behind_a_router_that_knows_the_way(
    house: str, interface: str
) -> None:
    came = live_in(house, "satellite", "--quiet-sky", "--json")
    (found,) = json.loads(came["out"])["terminals"]
    assert (found["address"], found["interface"]) == ("192.168.100.1", interface)
    assert found["broken"] is None


@pytest.mark.parametrize("house", ["unrouted", "none"])
def test_without_the_route_there_is_none_and_the_advice_is_the_route(house: str) -> None:
    came = live_in(house, "satellite", "--plain")
    assert came["status"] == 1
    assert "No satellite terminal found on this network." in came["out"]
    assert "circumvent guide satellite-route" in came["out"]
    assert came["seconds"] < WITHOUT


@pytest.mark.daemons
def test_the_options_are_tried_over_each_connection_and_both_are_shown() -> None:
    words = ("check", WORLD, "--include", "satellite", "--trials", "1", "--all", "--fast")
    came = live_in("beside", *words, "--json", "--quiet", "--deadline", "60")
    assert came["status"] == 0, came["err"]
    report = Report.from_json(came["out"])
    assert report.network.state is NetworkState.LOCAL_ONLY
    cable, sky = report.links
    assert (cable.interface, cable.default, cable.terminals) == ("wlan0", True, ())
    assert (sky.interface, sky.default, len(sky.terminals)) == ("eth0", False, 1)
    assert {option.status for option in rows_of(report, cable)} <= {Status.UNREACHABLE, Status.NOT_RUN}
    through = rows_of(report, sky)
    assert all(carries(option) for option in through)
    assert {option.id for option in through} - set(sky.terminals) == {
        option.id for option in rows_of(report, cable)
    }
    assert sky.network is not None
    assert sky.network.state is NetworkState.OPEN
    dumped = report.to_json("default").lower()
    assert not any(word in dumped for word in ("starlink", "eth0", "192.168.100", "terminal"))
