"""Given what a terminal said of itself in the record of a check, expect this finding and not those."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.diagnose.conclude import conclude
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.diagnose.look import Look
from circumvent.diagnose.rules_satellite import RULES
from circumvent.model.report import Finding, Network, Report, RunSettings, Tool
from circumvent.model.words import FindingKind, NetworkState, Proof
from circumvent.satellite.signs import Signs, detail_of
from tests.diagnose.build import attempt, option

if TYPE_CHECKING:
    from circumvent.model.record import Attempt

WELL = Signs(obstructed=0.003, obstructed_now=False, gps_valid=True, gps_sats=14, lost=0.0, seconds=120)
JAMMED = replace(WELL, gps_valid=False, gps_sats=0, lost=0.83)


def said(signs: Signs, **fields: Any) -> Attempt:
    """An attempt at a terminal that said so much of itself."""
    return attempt(Proof.HANDSHAKEN, step="sky", detail=detail_of(signs), **fields)


def looked(*attempts: Attempt) -> Look:
    return Look([option("dish", "starlink", *attempts)], {})


def seen(*attempts: Attempt) -> dict[FindingKind, Finding]:
    found = {kind: rule(looked(*attempts)) for kind, rule in RULES.items()}
    return {kind: one for kind, one in found.items() if isinstance(one, Finding)}


@pytest.mark.parametrize(
    ("signs", "expected"),
    [
        (WELL, set()),
        (replace(WELL, gps_valid=False), {"gps_denied"}),
        (JAMMED, {"gps_denied", "jamming_suspected"}),
        (replace(JAMMED, outage="no_sats"), {"gps_denied", "jamming_suspected"}),
        (replace(JAMMED, gps_valid=True), set()),
        (replace(JAMMED, obstructed=0.4, obstructed_now=True), {"gps_denied", "obstructed"}),
        (replace(WELL, outage="obstructed"), {"obstructed"}),
        (replace(JAMMED, ban="blocked_country"), {"no_service_here"}),
        (replace(JAMMED, ban="no_active_account"), {"account_inactive"}),
        (replace(JAMMED, ban="unknown_location"), {"gps_denied", "jamming_suspected"}),
        (Signs(outage="no_sats"), set()),
    ],
)
def test_this_finding_and_not_those(signs: Signs, expected: set[str]) -> None:
    assert {kind.value for kind in seen(said(signs))} == expected


def test_a_finding_names_its_attempts_its_evidence_and_what_was_ruled_out() -> None:
    first, second = said(JAMMED), said(JAMMED)
    found = seen(first, second)[FindingKind.JAMMING_SUSPECTED]
    assert found.evidence == (first.id, second.id)
    assert found.confidence == 0.6
    assert found.ruled_out == ("something in the sky's way",)
    assert found.remaining == ("an outage", "a broken terminal")
    assert found.detail == {
        "gps_valid": False,
        "gps_sats": 0,
        "obstructed": 0.003,
        "obstructed_now": False,
        "lost": 0.83,
    }
    assert found.summary == (
        "Jamming: the satellite terminal loses 83% of its pings under a clear sky, and has no GPS fix."
    )


def test_the_operators_no_is_told_in_its_word() -> None:
    assert (
        "blocked country"
        in seen(said(replace(WELL, ban="blocked_country")))[FindingKind.NO_SERVICE_HERE].summary
    )
    assert (
        "data overage" in seen(said(replace(WELL, ban="data_overage")))[FindingKind.ACCOUNT_INACTIVE].summary
    )


def test_what_was_said_and_shows_nothing_was_looked_for() -> None:
    assert {kind: rule(looked(said(WELL))) for kind, rule in RULES.items()} == dict.fromkeys(RULES, NOT_SEEN)


def test_firmware_that_leaves_out_what_a_finding_rests_on_was_not_tested_for_it() -> None:
    told = {kind.value: rule(looked(said(Signs()))) for kind, rule in RULES.items()}
    assert [kind for kind, result in told.items() if result is None] == [
        "gps_denied",
        "jamming_suspected",
        "obstructed",
    ]


def test_without_a_terminal_there_is_nothing_to_look_at() -> None:
    nobody = attempt(Proof.NONE, "connection_refused")
    assert all(rule(looked(nobody)) is None for rule in RULES.values())
    elsewhere = Look([option("resolver", "dot", said(JAMMED))], {})
    assert all(rule(elsewhere) is None for rule in RULES.values())


def test_an_attempt_that_does_not_count_shows_nothing() -> None:
    assert seen(said(JAMMED, counted=False)) == {}


def test_a_jammed_terminal_says_nothing_of_the_network_itself() -> None:
    rows = [option("dish", "starlink", said(JAMMED)), option("resolver", "dot", attempt())]
    network = conclude(rows, Network(state=NetworkState.UNKNOWN)).network
    assert {one.kind.value for one in network.findings} == {"gps_denied", "jamming_suspected"}
    without = conclude(rows[1:], Network(state=NetworkState.UNKNOWN)).network
    assert network.state is without.state


def test_a_dump_tells_nothing_of_it_and_has_no_gap() -> None:
    facts = Network(state=NetworkState.UNKNOWN, facts={"vpn": {"on": True, "interface": "wg0"}})
    rows = [option("dish", "starlink", said(JAMMED)), option("resolver", "dot", attempt())]
    drawn = conclude(rows, facts)
    assert [one.id for one in drawn.network.findings] == ["f1", "f2", "f3"]
    document = Report(
        id="r1",
        started="2026-11-22T10:00:00Z",
        duration_s=1.0,
        tool=Tool(version="1"),
        settings=RunSettings(deadline_s=30.0, trials=3),
        network=drawn.network,
        options=drawn.options,
    ).to_dict("default")
    assert [one["id"] for one in document["network"]["findings"]] == ["f1"]
    assert [one["id"] for one in document["options"]] == ["resolver"]
    assert not any(kind.value in json.dumps(document) for kind in RULES)
