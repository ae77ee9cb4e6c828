"""Regret: given this scenario and this recommendation, expect this many seconds."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from circumvent.lab.run import Result
from circumvent.lab.scenario import find
from circumvent.lab.scenario_world import world_of
from circumvent.lab.truth import compare
from circumvent.model.kinds import KINDS
from circumvent.model.report import Network, OptionReport, Recommendation, Report, RunSettings, Tool
from circumvent.model.words import NetworkState, Scope, Status
from tests.lab_scenarios.regret import regrets, true_score

OPEN = find("open")
WORLD = world_of(OPEN)


def result(*labels: str, told: str | None = None, scenario: str = "open") -> Result:
    """A run in which these options worked and that one was recommended."""
    options = tuple(
        OptionReport(
            id=label,
            kind=label.split()[0],
            label=label,
            scope=KINDS[label.split()[0]].scope,
            exposure=KINDS[label.split()[0]].exposure,
            endpoint="a:1",
            origin="user",
            status=Status.WORKS,
        )
        for label in labels
    )
    recommended = () if told is None else (told,)
    report = Report(
        id="r",
        started="2026-01-01T00:00:00Z",
        duration_s=1.0,
        tool=Tool(version="0"),
        settings=RunSettings(deadline_s=30.0, trials=3),
        network=Network(state=NetworkState.OPEN),
        options=options,
        recommendations=tuple(
            Recommendation(
                scope=KINDS[label.split()[0]].scope,
                id=label,
                backup=None,
                visible="",
                because="best",
                text="",
                next_step="",
            )
            for label in recommended
        ),
    )
    comparison = compare(report, find(scenario).truth, labels)
    return Result(
        scenario=scenario,
        seed=0,
        report=report,
        comparison=comparison,
        fired={},
        flows={},
        seconds=1.0,
        status=0,
    )


@pytest.mark.parametrize(
    ("label", "trips"),
    [
        ("dns-udp dns.anvil.example", 1),
        ("dot dns.anvil.example", 3),
        ("http-connect proxy.ember.example", 4),
        ("http-connect proxy.ember.example tls", 5),
        ("socks5 proxy.ember.example", 5),
        ("socks5 proxy.grove.example", 6),
    ],
)
def test_the_true_score_is_the_round_trips_of_the_protocol(label: str, trips: int) -> None:
    assert true_score(label.split(maxsplit=1)[0], label, OPEN, WORLD) == pytest.approx(trips * 0.05)


def test_a_slow_line_costs_what_64_kib_take() -> None:
    link = replace(OPEN.link, down=replace(OPEN.link.down, rate=65536.0))
    slow = replace(OPEN, link=link)
    assert true_score("dns-udp", "dns-udp dns.anvil.example", slow, WORLD) == pytest.approx(1.05)


def test_limits_cost_what_a_cut_costs_and_what_cannot_work_has_no_score() -> None:
    cut, dead = find("russia-16kb-cut"), find("dead-servers-no-censor")
    assert true_score("socks4a", "socks4a proxy.ember.example", cut, WORLD) == pytest.approx(5.2)
    assert math.isinf(true_score("dot", "dot dns.cedar.example", dead, WORLD))


def test_the_best_has_no_regret() -> None:
    (one,) = regrets(
        result("dot dns.anvil.example", "doq dns.anvil.example", told="doq dns.anvil.example"), OPEN
    )
    assert (one.scope, one.seconds) == (Scope.NAMES, 0.0)


def test_the_second_best_costs_its_round_trips() -> None:
    (one,) = regrets(
        result("dot dns.anvil.example", "doq dns.anvil.example", told="dot dns.anvil.example"), OPEN
    )
    assert one.seconds == pytest.approx(0.05)
    assert one.best == "doq dns.anvil.example"


def test_nothing_recommended_where_something_must_work_is_the_worst() -> None:
    (one,) = regrets(result("dot dns.anvil.example"), OPEN)
    assert (one.label, one.seconds) == ("nothing", math.inf)


def test_where_nothing_works_there_is_nothing_to_regret() -> None:
    offline = result("dot dns.anvil.example", scenario="offline")
    assert list(regrets(offline, find("offline"))) == []
    assert list(regrets(result("stun turn.iris.example udp"), OPEN)) == [], "voice has no recommendations"
