"""``check --include satellite``: what is found becomes an option; what is not asked for is not looked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check import baseline
from circumvent.check.settings import CheckSettings
from circumvent.cli.app import main
from circumvent.cli.terminals_in_check import found_terminals, wants_satellites
from circumvent.satellite.find import Candidate, Surroundings
from circumvent.satellite.others import Around, Other
from circumvent.satellite.recognise import Certainty, Fit, terminals
from tests.cli.test_terminals_command import dish

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place to look is this machine, and it is nobody's country."""
    where = Surroundings(candidates=(Candidate("127.0.0.1"),), networks=("lo",), carrier=False)
    monkeypatch.setattr("circumvent.satellite.find.read_surroundings", lambda: where)
    monkeypatch.setenv("TZ", "UTC")


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        (CheckSettings(), False),
        (CheckSettings(include=("vpn",)), False),
        (CheckSettings(include=("satellite",)), True),
        (CheckSettings(only=("starlink",)), True),
    ],
)
def test_only_who_names_satellites_gets_them(settings: CheckSettings, wanted: bool) -> None:
    assert wants_satellites(settings) is wanted


def test_one_option_for_each_dish_and_none_without() -> None:
    settings = CheckSettings(include=("satellite",))
    assert found_terminals(settings) == ()
    with dish("stowed"):
        (option,) = found_terminals(settings)
    assert (option.kind, str(option.endpoint)) == ("starlink", "127.0.0.1:9200")
    assert option.held_by_user


def test_a_terminal_that_is_known_or_likely_is_an_option_and_one_that_may_be_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fits(model: str, certainty: Certainty) -> tuple[Fit, ...]:
        row = next(row for row in terminals() if row.slug == model)
        return (Fit(terminal=row, certainty=certainty),)

    around = Around(
        others=(
            Other(address="192.168.1.1", interface="eth0", fits=fits("starlink-router", Certainty.KNOWN)),
            Other(address="10.0.0.1", interface="eth1", fits=fits("hughesnet", Certainty.LIKELY)),
            Other(address="192.168.128.100", interface="eth2", fits=fits("hughes-bgan", Certainty.POSSIBLE)),
        )
    )

    async def look(_: object) -> Around:
        return around

    monkeypatch.setattr("circumvent.satellite.others.look_around", look)
    found = found_terminals(CheckSettings(include=("satellite",)))
    assert [(one.kind, one.label, str(one.endpoint)) for one in found] == [
        ("satellite-terminal", "Starlink router or Starlink Mini", "192.168.1.1:80"),
        ("satellite-terminal", "HughesNet HT2000W", "10.0.0.1:80"),
    ]


def test_a_plan_says_where_it_would_be_looked_for_and_looks_not(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> None:
        raise AssertionError("a plan sends nothing")

    monkeypatch.setattr("circumvent.satellite.others.look_around", refuse)
    monkeypatch.setenv("TZ", "Asia/Tehran")
    assert main(["check", "--plan", "--include", "satellite"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("Using or having a Starlink terminal")
    assert "a satellite terminal would be looked for at: 127.0.0.1" in said
    assert "would be tried over both" in said
    assert "1.1.1.1" not in said


def test_a_plan_tells_of_a_question_for_the_public_address(capsys: Any) -> None:
    assert main(["check", "--plan", "--ask-public-address"]) == 0
    assert "1.1.1.1 would be asked" in capsys.readouterr().err


@pytest.mark.daemons
def test_a_terminal_that_is_found_is_tried_beside_the_others(
    capsys: Any, monkeypatch: pytest.MonkeyPatch, flags: Callable[..., list[str]]
) -> None:
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)
    monkeypatch.setattr("circumvent.transports.starlink.owner_of", lambda *_: "eth0")
    arguments = ["check", "--json", "--no-builtin", "--include", "satellite", *flags(trials=1)]
    # Private addresses are not allowed: the terminal is the exception, because it was found here and asked for.
    arguments.remove("--allow-private")
    with dish("well"):
        main(arguments)
    report = json.loads(capsys.readouterr().out)
    (option,) = [one for one in report["options"] if one["kind"] == "starlink"]
    assert (option["proof"], option["status"]) == ("sustained", "works")
