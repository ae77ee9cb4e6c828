"""A check over each link, one after the other: given two links and a signal, expect these runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check.links import planned_links
from circumvent.cli import links_in_check
from circumvent.cli.drive import Silent
from circumvent.cli.links_in_check import run_links
from circumvent.model.words import Status
from tests.check.test_assemble import one, report
from tests.check.test_links import dish, line, plan_with

if TYPE_CHECKING:
    from circumvent.check.plan import Plan
    from circumvent.model.report import Report


class Driver:
    """Stands in the place of a run; says which interface it was told to take."""

    def __init__(self, stopped_over: str | None = None) -> None:
        self.over: list[str | None] = []
        self.began: list[float | None] = []
        self._stopped_over = stopped_over

    def __call__(self, plan: Plan, _: object, began: float | None) -> tuple[Report, bool]:
        self.over.append(plan.interface)
        self.began.append(began)
        works = Status.WORKS if plan.source is not None else Status.UNREACHABLE
        return report(one(works)), plan.interface == self._stopped_over


@pytest.fixture
def driver(monkeypatch: pytest.MonkeyPatch) -> Driver:
    """No run; interfaces have the lines that a test thinks of."""
    return install(monkeypatch, Driver())


def install(monkeypatch: pytest.MonkeyPatch, driver: Driver) -> Driver:
    monkeypatch.setattr("circumvent.cli.drive.drive", driver)
    monkeypatch.setattr(
        links_in_check,
        "planned_links",
        lambda plan: planned_links(plan, lambda source: line(source.interface)),
    )
    return driver


def run(plan: Plan, *, quiet: bool = False) -> tuple[Report, bool]:
    return run_links(plan, Silent, 1.5, quiet=quiet)


def test_one_link_is_one_run(driver: Driver) -> None:
    whole, _ = run(plan_with())
    assert driver.over == ["wlan0"]
    assert whole.links == ()


def test_the_way_of_all_packets_and_then_the_terminals(driver: Driver, capsys: Any) -> None:
    whole, interrupted = run(plan_with(dish("d", "eth0")))
    assert driver.over == ["wlan0", "eth0"]
    assert driver.began == [1.5, None]
    assert not interrupted
    assert [link.interface for link in whole.links] == ["wlan0", "eth0"]
    assert whole.options[0].status is Status.UNREACHABLE
    assert whole.links[1].options[0].status is Status.WORKS
    assert "Now the same over eth0" in capsys.readouterr().err


def test_quiet_is_quiet(driver: Driver, capsys: Any) -> None:
    run(plan_with(dish("d", "eth0")), quiet=True)
    assert capsys.readouterr().err == ""
    assert len(driver.over) == 2


def test_a_signal_ends_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = install(monkeypatch, Driver(stopped_over="wlan0"))
    whole, interrupted = run(plan_with(dish("d", "eth0")))
    assert driver.over == ["wlan0"]
    assert interrupted
    assert not whole.complete


def test_beside_a_vpn_nothing_is_tried_and_that_is_said(driver: Driver, capsys: Any) -> None:
    plan = replace(plan_with(dish("d", "eth0")), line=line("tun0", tunnel="tun"))
    run(plan)
    assert driver.over == ["tun0"]
    assert "a VPN holds the way to the internet" in capsys.readouterr().err


def test_the_public_address_is_asked_over_each_link_and_only_then(
    monkeypatch: pytest.MonkeyPatch, driver: Driver
) -> None:
    asked: list[str | None] = []

    def ask(_: object, interface: str | None) -> str:
        asked.append(interface)
        return f"203.0.113.{len(asked)}"

    monkeypatch.setattr(links_in_check, "seen_as", ask)
    run(plan_with(dish("d", "eth0")))
    assert asked == []
    whole, _ = run(plan_with(dish("d", "eth0"), ask_public_address=True))
    assert asked == [None, "eth0"]
    assert [link.public_address for link in whole.links] == ["203.0.113.1", "203.0.113.2"]
    alone, _ = run(plan_with(ask_public_address=True))
    assert [link.public_address for link in alone.links] == ["203.0.113.3"]
    assert driver.over[-1] == "wlan0"
