"""What the attempts of a check share."""

from __future__ import annotations

from dataclasses import replace

from circumvent.check.services import make_services
from circumvent.control import Control
from tests.check.fakes import make, make_run_plan
from tests.diagnose.build import attempt


def builtin(number: int) -> Control:
    return Control(url=f"https://control{number}.example/", operator=f"operator {number}")


def test_later_tries_take_controls_in_turn_along_one_shuffled_order() -> None:
    plan = replace(make_run_plan(), controls=tuple(builtin(number) for number in range(5)))
    controls = make_services(plan).controls
    turns = [controls(number).at_once[0].url for number in range(2, 7)]
    assert sorted(turns) == sorted(control.url for control in plan.controls)
    assert [controls(number).at_once[0].url for number in range(7, 12)] == turns


def test_a_first_try_takes_two_operators_and_has_a_third() -> None:
    plan = replace(make_run_plan(), controls=tuple(builtin(number) for number in range(5)))
    first = make_services(plan).controls(1)
    assert len({control.operator for control in first.at_once}) == 2
    assert first.spare is not None


def test_a_plain_resolver_that_carried_is_named_to_udp_relays() -> None:
    services = make_services(make_run_plan())
    assert services.controls(1).resolver is None
    option = make("plain", "dns-udp", port=53)
    services.resolver.take(option, attempt(step="carry", detail={"dnssec": "proved"}))
    assert services.controls(1).resolver == option.endpoint


def test_canaries_are_asked_once_and_in_clear_only_in_the_second_phase() -> None:
    plan = make_run_plan()
    plan = replace(plan, names=replace(plan.names, canaries=("listed.example",)))
    names = make_services(plan).names
    plain, inside = make("plain", "dns-udp"), make("inside", "dot")
    assert names(inside, 1, False).canaries_for("dot") == ("listed.example",)
    assert names(inside, 2, False).canaries_for("dot") == ()
    assert names(plain, 1, False).canaries_for("dns-udp") == ()
    assert names(plain, 1, True).canaries_for("dns-udp") == ("listed.example",)
