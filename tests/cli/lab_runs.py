"""Results of runs that never were: for the screens of the laboratory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from circumvent.lab.run import Result
from circumvent.lab.scenario import OptionTruth, Scenario, TargetTruth, Truth
from circumvent.lab.truth import compare, name_of
from circumvent.model.words import FindingKind, NetworkState, Status
from tests.say.reports import filtered

if TYPE_CHECKING:
    from circumvent.model.report import Report


TARGETS: Final = {
    "example.com": Status.WORKS,
    "example.net": Status.UNREACHABLE,
    "www.example.org": Status.BLOCKED,
}


def scenario(**changes: object) -> Scenario:
    """A scenario whose truth a constructed report meets but for one option."""
    truth = Truth(
        state=(NetworkState.FILTERED,),
        option=(
            OptionTruth(match=("*",), statuses=(Status.WORKS,), why="nothing touches it"),
            OptionTruth(
                match=("*prague", "*helsinki"), statuses=(Status.DEGRADED, Status.UNSTABLE), why="slow"
            ),
        ),
        allowed=tuple(FindingKind)[:6],
        required=tuple(FindingKind)[6:7],
        unbuilt=("sni_reset",),
        target=tuple(
            TargetTruth(name=name, direct=(direct,), ways=("*",), why="so it is")
            for name, direct in TARGETS.items()
        ),
    )
    return Scenario(
        name="russia-tspu-tls",
        title="TLS reset by name, QUIC v1 dropped",
        models="Invented for this test.",
        sources=("nobody",),
        truth=truth,
        **changes,  # type: ignore[arg-type]  # fields of the scenario, given by a test
    )


def result(
    made: Report | None = None, fired: dict[str, int] | None = None, of: Scenario | None = None
) -> Result:
    """A run of that scenario."""
    report = filtered() if made is None else made
    labels = [name_of(option) for option in report.options if not option.baseline]
    counted = {"sni-reset": 14, "quic-drop": 9} if fired is None else fired
    where = of or scenario()
    return Result(
        scenario=where.name,
        seed=7,
        report=report,
        comparison=compare(report, where.truth, labels, counted),
        fired=counted,
        flows=dict.fromkeys(counted, 1),
        seconds=9.5,
        status=0,
    )


def few(count: int = 6) -> Result:
    """A run with few options, each of which has its own row."""
    report = filtered()
    kept = [option for option in report.options if not option.baseline]
    chosen = [option for option in kept if option.label == "vienna"]
    chosen += [option for option in kept if option.label != "vienna"][: count - 1]
    return result(msgspec.structs.replace(report, options=tuple(chosen)))
