"""A run as a document: what ``circumvent lab run --json`` prints, and what ships with the package to be shown anywhere.

A recording holds the report, on how much each rule fired, and which options were tried; the truth is the scenario's.
Nothing in it is of a person: names and addresses are the laboratory's.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Final

import msgspec

from circumvent import __version__
from circumvent.lab.run import Result
from circumvent.lab.truth import compare
from circumvent.model.report import LARGEST, Report, ReportError

if TYPE_CHECKING:
    from circumvent.lab.scenario import Scenario
    from circumvent.model.report import OptionReport

#: The version of the document.
SCHEMA: Final = 1
_FOLDER: Final = resources.files("circumvent.lab").joinpath("recorded")


class RecordingError(ValueError):
    """There is no such recording, or it can't be read; the message says which."""


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One option: the statuses that an honest observer may give, and the one that was given."""

    label: str
    kind: str
    truth: tuple[str, ...]
    verdict: str
    right: bool


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """One run. ``fired`` are packets by rule, ``flows`` flows by rule, ``seconds`` the check's time, ``late`` the wire's delay."""

    schema: int = SCHEMA
    version: str = __version__
    scenario: str
    seed: int
    seconds: float
    status: int
    right: bool
    state_right: bool
    found: tuple[str, ...]
    missed: tuple[str, ...]
    invented: tuple[str, ...]
    fired: dict[str, int]
    flows: dict[str, int]
    verdicts: tuple[Judged, ...]
    missing: tuple[str, ...] = ()
    late: float = 0.0
    report: msgspec.Raw


def write(result: Result, *, attempts: bool = True) -> str:
    """Return the document of a run; without ``attempts`` a small one, that lacks most tries."""
    seen, report = result.comparison, result.report
    if not attempts:
        report = msgspec.structs.replace(report, options=tuple(map(_briefly, report.options)))
    recording = Recording(
        scenario=result.scenario,
        seed=result.seed,
        seconds=round(result.seconds, 1),
        status=result.status,
        right=seen.right,
        state_right=seen.state_right,
        found=seen.found,
        missed=seen.missed,
        invented=seen.invented,
        fired=result.fired,
        flows=result.flows,
        verdicts=tuple(
            Judged(label=row.label, kind=row.kind, truth=row.true, verdict=row.said, right=row.right)
            for row in seen.rows
        ),
        missing=seen.missing,
        late=round(result.late, 1),
        report=msgspec.Raw(report.to_json("none").encode()),
    )
    return msgspec.json.encode(recording).decode()


def _briefly(option: OptionReport) -> OptionReport:
    """Return an option with the one try that shows its failure, which sentences read, or with none."""
    failure = option.failure
    shown = [
        one
        for one in option.attempts
        if failure is not None
        and one.failure is not None
        and one.counted
        and (one.failure.step, one.failure.error) == (failure.step, failure.error)
    ]
    return msgspec.structs.replace(option, attempts=tuple(shown[-1:]))


def read(text: bytes, scenario: Scenario) -> Result:
    """Read a document; what was said is held against the scenario's truth of today.

    :raises RecordingError: when it is none.
    """
    try:
        if len(text) > LARGEST:
            raise RecordingError("it is too long")
        one = msgspec.json.decode(text, type=Recording)
        report = Report.from_json(bytes(one.report))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ReportError) as exc:
        raise RecordingError(f"this is no recording: {exc}") from exc
    if one.schema != SCHEMA or one.scenario != scenario.name:
        raise RecordingError("this is a recording of something else")
    labels = [*(row.label for row in one.verdicts), *one.missing]
    return Result(
        scenario=one.scenario,
        seed=one.seed,
        report=report,
        comparison=compare(report, scenario.truth, labels, one.fired),
        fired=one.fired,
        flows=one.flows,
        seconds=one.seconds,
        status=one.status,
        late=one.late,
    )


def recorded() -> tuple[str, ...]:
    """Return the names of the scenarios whose recordings ship with the package."""
    if not _FOLDER.is_dir():
        return ()
    found = (one.name for one in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in found if name.endswith(".json")))


def shipped(scenario: Scenario) -> Result:
    """Return the recording of a scenario that ships with the package.

    :raises RecordingError: when there is none.
    """
    if scenario.name not in recorded():
        raise RecordingError(f"no recording of {scenario.name} ships with this version")
    return read(_FOLDER.joinpath(f"{scenario.name}.json").read_bytes(), scenario)
