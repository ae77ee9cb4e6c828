"""A report held against the truth of a scenario. Pure.

An option is right when its status is one that an honest observer on the client's side may give; a narrower verdict
than the evidence allows is wrong even if it happens to be true. Two mistakes are worse than all others and counted
apart: saying that something works which does not, and that something is blocked without evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.lab.scenario import matches
from circumvent.lab.scenario_catalogue import name_in_truth
from circumvent.model.words import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from circumvent.lab.scenario import TargetTruth, Truth
    from circumvent.model.report import OptionReport, Report
    from circumvent.model.words import NetworkState

#: Statuses that promise data.
PROMISES = frozenset({Status.WORKS, Status.DEGRADED, Status.UNSTABLE})

#: Findings that the diagnosis will make; a scenario may name them, and they do not count until then.
LATER = frozenset(
    {
        "ip_blocked", "port_blocked", "sni_reset", "sni_drop", "residual_blocking", "http_block_page",
        "protocol_allowlist", "fully_encrypted_filter", "tls_fingerprint_filter", "vpn_handshake_filter",
        "connection_limit", "throttling", "slow_line", "server_side_geoblock", "own_probing_penalised",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One option: what is true, what was said, and whether that is right. ``said_because`` is for people."""

    label: str
    kind: str
    true: tuple[str, ...]
    why: str
    said: str
    said_because: str
    right: bool

    @property
    def false_works(self) -> bool:
        """Whether it was said to carry data and can't."""
        return self.said in PROMISES and not PROMISES & set(self.true)

    @property
    def false_blocked(self) -> bool:
        """Whether it was said to be blocked without evidence."""
        return self.said == Status.BLOCKED and not self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """One target: what is true of the direct way, what was said, and the labels of what was said to suffice.

    ``why`` says what is wrong with it; empty: nothing.
    """

    name: str
    true: tuple[str, ...]
    said: str
    ways: tuple[str, ...]
    why: str = ""

    @property
    def right(self) -> bool:
        """Whether everything that was said of it is right."""
        return not self.why


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that was said beside everything that is true.

    ``missing`` are labels of options that the report does not have; ``misled`` recommendations of what can't work;
    ``silent`` rules that never fired, though what was tried needs them.
    """

    rows: tuple[Row, ...]
    missing: tuple[str, ...]
    state: str
    true_states: tuple[str, ...]
    found: tuple[str, ...]
    missed: tuple[str, ...]
    invented: tuple[str, ...]
    unbuilt: tuple[str, ...]
    misled: tuple[str, ...]
    silent: tuple[str, ...]
    targets: tuple[TargetRow, ...] = ()
    required: tuple[str, ...] = ()

    @property
    def found_required(self) -> tuple[str, ...]:
        """What was found of that which had to be found."""
        return tuple(kind for kind in self.found if kind in self.required)

    @property
    def state_right(self) -> bool:
        """Whether the state of the network is one that an honest observer may give."""
        return self.state in self.true_states

    @property
    def wrong(self) -> tuple[Row, ...]:
        """The options whose verdict is wrong."""
        return tuple(row for row in self.rows if not row.right)

    @property
    def right(self) -> bool:
        """Whether nothing at all is wrong."""
        return (
            self.state_right
            and not self.wrong
            and not (self.missing or self.missed or self.invented or self.misled or self.silent)
            and all(target.right for target in self.targets)
        )


def compare(
    report: Report, truth: Truth, labels: Iterable[str], fired: Mapping[str, int] | None = None
) -> Comparison:
    """Hold a report against the truth. ``fired`` is on how many packets each rule fired."""
    said = {name_of(option): option for option in report.options if not option.baseline}
    labels = tuple(labels)
    found = {finding.kind for finding in report.network.findings}
    silent = [name for name, count in (fired or {}).items() if not count and name not in truth.silent]
    return Comparison(
        rows=tuple(_row(said[label], truth) for label in labels if label in said),
        missing=tuple(label for label in labels if label not in said),
        state=report.network.state,
        true_states=tuple(truth.state),
        found=tuple(sorted(found & {*truth.required, *truth.allowed})),
        missed=tuple(sorted(set(truth.required) - found)),
        invented=tuple(sorted(found - {*truth.required, *truth.allowed} - set(truth.unbuilt))),
        unbuilt=truth.unbuilt,
        misled=tuple(_misled(report, truth)),
        silent=tuple(silent),
        targets=tuple(_targets(report, truth)),
        required=tuple(truth.required),
    )


def name_of(option: OptionReport) -> str:
    """Return the label by which a scenario knows an option of a report."""
    return name_in_truth(option.kind, option.label, held_by_user=option.origin == "user")


def true_statuses(label: str, truth: Truth, state: NetworkState) -> tuple[tuple[Status, ...], str]:
    """Return what may be said of an option, and why; without an entry nothing may."""
    entry = truth.of(label)
    if entry is None:
        return (), f"the scenario does not say what is true of it ({state})"
    return entry.statuses, entry.why


def _row(option: OptionReport, truth: Truth) -> Row:
    statuses, why = true_statuses(name_of(option), truth, truth.state[0])
    because = option.reason or (f"{option.failure.step}: {option.failure.error}" if option.failure else "")
    return Row(
        label=name_of(option),
        kind=option.kind,
        true=tuple(statuses),
        why=why,
        said=option.status,
        said_because=str(because),
        right=option.status in statuses,
    )


def _targets(report: Report, truth: Truth) -> Iterable[TargetRow]:
    """Compare every target that either the report or the truth has."""
    said, true = {one.name: one for one in report.targets}, {one.name: one for one in truth.target}
    labels = {option.id: name_of(option) for option in report.options}
    for name in sorted(said.keys() | true.keys()):
        entry, target = true.get(name), said.get(name)
        if entry is None or target is None:
            why = (
                "the report does not have it"
                if target is None
                else "the scenario does not say what is true of it"
            )
            direct = () if entry is None else tuple(entry.direct)
            yield TargetRow(
                name=name, true=direct, said="" if target is None else target.direct, ways=(), why=why
            )
            continue
        ways = tuple(labels.get(one, one) for one in target.least_sufficient)
        yield TargetRow(
            name=name,
            true=tuple(entry.direct),
            said=target.direct,
            ways=ways,
            why="; ".join(_wrong_of_target(entry, target.direct, ways)),
        )


def _wrong_of_target(entry: TargetTruth, direct: Status, ways: tuple[str, ...]) -> Iterable[str]:
    if direct not in entry.direct:
        yield f"directly it is {' or '.join(entry.direct)}: {entry.why}"
    vain = [way for way in ways if not matches(way, entry.ways)]
    if vain:
        yield f"{', '.join(vain)} does not suffice"
    if entry.named and not ways:
        yield "nothing is said to suffice, and something does"


def _misled(report: Report, truth: Truth) -> Iterable[str]:
    for recommendation in report.recommendations:
        option = report.option(recommendation.id)
        if option is None or not PROMISES & set(true_statuses(name_of(option), truth, truth.state[0])[0]):
            yield recommendation.id if option is None else name_of(option)
