"""Truth beside verdict: given this report and this truth, expect these mistakes."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from circumvent.lab.scenario import OptionTruth, TargetTruth, Truth
from circumvent.lab.truth import TargetRow, compare
from circumvent.model.kinds import KINDS
from circumvent.model.report import (
    Finding,
    Network,
    OptionReport,
    Recommendation,
    Report,
    RunSettings,
    Target,
    Tool,
)
from circumvent.model.words import FindingKind, NetworkState, Status

TRUTH = Truth(
    state=(NetworkState.FILTERED,),
    required=(FindingKind.QUIC_BLOCKED,),
    allowed=(FindingKind.UDP_LOSSY,),
    unbuilt=("sni_reset",),
    silent=("may be silent",),
    option=(
        OptionTruth(match=("*",), statuses=(Status.WORKS,), why="it stands"),
        OptionTruth(match=("* dead",), statuses=(Status.UNREACHABLE,), why="it is gone"),
    ),
)


def option(label: str, status: Status) -> OptionReport:
    kind = KINDS["dot"]
    return OptionReport(
        id=label,
        kind="dot",
        origin="user",
        label=label,
        scope=kind.scope,
        exposure=kind.exposure,
        endpoint="a:853",
        status=status,
    )


def report(
    *options: OptionReport,
    state: NetworkState = NetworkState.FILTERED,
    findings: tuple[FindingKind, ...] = (FindingKind.QUIC_BLOCKED,),
    recommended: str | None = None,
) -> Report:
    found = tuple(Finding(id=kind, kind=kind, confidence=0.95, summary=kind) for kind in findings)
    best = [
        Recommendation(
            scope=options[0].scope,
            id=recommended,
            backup=None,
            visible="",
            because="best",
            text="",
            next_step="",
        )
        for _ in range(recommended is not None)
        if recommended is not None
    ]
    return Report(
        id="r",
        started="2026-01-01T00:00:00Z",
        duration_s=1.0,
        tool=Tool(version="0"),
        settings=RunSettings(deadline_s=30.0, trials=3),
        network=Network(state=state, findings=found),
        options=options,
        recommendations=tuple(best),
    )


def test_all_is_right() -> None:
    seen = compare(
        report(option("dot up", Status.WORKS), option("dot dead", Status.UNREACHABLE), recommended="dot up"),
        TRUTH,
        ["dot up", "dot dead"],
        {"fires": 3, "may be silent": 0},
    )
    assert seen.right
    assert [row.right for row in seen.rows] == [True, True]
    assert seen.found == ("quic_blocked",)
    assert seen.unbuilt == ("sni_reset",)


def test_a_promise_that_cannot_hold_is_the_worst() -> None:
    seen = compare(report(option("dot dead", Status.WORKS), recommended="dot dead"), TRUTH, ["dot dead"])
    assert [row.false_works for row in seen.rows] == [True]
    assert seen.misled == ("dot dead",)
    assert not seen.right


def test_blocked_without_evidence() -> None:
    seen = compare(report(option("dot dead", Status.BLOCKED)), TRUTH, ["dot dead"])
    assert [row.false_blocked for row in seen.rows] == [True]
    assert not seen.right


def test_less_than_is_true_is_wrong_and_no_false_promise() -> None:
    (row,) = compare(report(option("dot up", Status.UNSTABLE)), TRUTH, ["dot up"]).rows
    assert not row.right
    assert not row.false_works
    assert not row.false_blocked


def test_findings_and_state() -> None:
    seen = compare(
        report(
            option("dot up", Status.WORKS),
            state=NetworkState.OPEN,
            findings=(FindingKind.UDP_LOSSY, FindingKind.FLOW_CUT),
        ),
        TRUTH,
        ["dot up"],
    )
    assert not seen.state_right
    assert seen.missed == ("quic_blocked",)
    assert seen.invented == ("flow_cut",)
    assert seen.found == ("udp_lossy",)


def test_an_option_that_is_not_in_the_report_is_missing() -> None:
    seen = compare(report(option("dot up", Status.WORKS)), TRUTH, ["dot up", "dot other"])
    assert seen.missing == ("dot other",)
    assert not seen.right


def test_a_rule_that_never_fired_fails_loudly() -> None:
    seen = compare(report(option("dot up", Status.WORKS)), TRUTH, ["dot up"], {"never": 0})
    assert seen.silent == ("never",)
    assert not seen.right


def test_options_of_the_catalogue_are_known_by_kind_and_label() -> None:
    known = msgspec.structs.replace(option("dead", Status.UNREACHABLE), origin="catalogue")
    (row,) = compare(report(known), TRUTH, ["dot dead"]).rows
    assert (row.label, row.right) == ("dot dead", True)


def of_target(direct: Status, *ways: str, named: bool = False) -> TargetRow:
    """What becomes of a target that is out of reach, for which an option whose label begins with "dot" suffices."""
    true = TargetTruth(name="site", direct=(Status.UNREACHABLE,), why="cut", ways=("dot *",), named=named)
    truth = replace(TRUTH, target=(true,))
    seen = report(option("dot up", Status.WORKS), option("other", Status.WORKS))
    target = Target(name="site", direct=direct, least_sufficient=ways)
    (row,) = compare(msgspec.structs.replace(seen, targets=(target,)), truth, []).targets
    return row


def test_targets_are_compared_too() -> None:
    assert of_target(Status.UNREACHABLE).right
    assert of_target(Status.UNREACHABLE, "dot up").ways == ("dot up",)
    assert of_target(Status.UNREACHABLE, "dot up").right
    assert of_target(Status.WORKS).why == "directly it is unreachable: cut"
    assert of_target(Status.UNREACHABLE, "other").why == "other does not suffice"
    assert not of_target(Status.UNREACHABLE, named=True).right


def test_a_target_that_one_side_does_not_know_is_wrong() -> None:
    truth = replace(TRUTH, target=(TargetTruth(name="site", direct=(Status.WORKS,), why="it stands"),))
    seen = compare(report(option("dot up", Status.WORKS)), truth, ["dot up"])
    assert not seen.right
    assert seen.targets[0].why == "the report does not have it"
    other = msgspec.structs.replace(
        report(option("dot up", Status.WORKS)), targets=(Target(name="other", direct=Status.WORKS),)
    )
    assert compare(other, TRUTH, ["dot up"]).targets[0].why == "the scenario does not say what is true of it"


def test_what_had_to_be_found_and_was() -> None:
    assert compare(report(option("dot up", Status.WORKS)), TRUTH, []).found_required == ("quic_blocked",)
