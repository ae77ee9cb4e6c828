"""Truth beside verdict: given this report and this truth, expect these mistakes."""

from __future__ import annotations

from circumvent.lab.scenario import OptionTruth, Truth
from circumvent.lab.truth import compare
from circumvent.model.kinds import KINDS
from circumvent.model.report import Finding, Network, OptionReport, Recommendation, Report, RunSettings, Tool
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
