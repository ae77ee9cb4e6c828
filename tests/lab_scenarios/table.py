"""The accuracy table from results: everything that is counted, and what is wanted of it. Pure; lines are Markdown."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.check.schedule import TOO_BUSY
from circumvent.lab.scenario import find
from circumvent.lab.truth import LATER
from circumvent.model.words import Status
from tests.lab_scenarios.clients import CLIENTS
from tests.lab_scenarios.regret import regrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from circumvent.lab.run import Result
    from circumvent.lab.truth import Row
    from tests.lab_scenarios.worker import Confirmation

_SAID: Final = [status.value for status in Status]
#: Of the cells, and of the findings, so many must be right.
CELLS_WANTED: Final = 0.99
FOUND_WANTED: Final = 0.95
#: What spoils a run: a wire that is late for so large a part of it, a loop that is late by so many milliseconds.
LATE: Final = 0.01
LAG_P95: Final = 150.0
LAG_MOST: Final = 2000.0
#: Evidence that needs differential probes, which are not built.
E2: Final = "E2 (the same address with a harmless variant)"


@dataclass
class Table:
    """All runs of a table. ``broken`` are runs that had no result, ``confirmed`` what independent clients found.

    ``repeated`` are runs that a busy machine spoiled, and that were made again: they count for nothing.
    """

    results: list[Result] = field(default_factory=list)
    confirmed: dict[str, list[Confirmation]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """Return every cell."""
        return [row for one in self.results for row in one.comparison.rows]

    @property
    def wanted(self) -> tuple[tuple[str, str, bool], ...]:
        """Return what is wanted, what came, and whether that is enough."""
        rows, seen = self.rows, [one.comparison for one in self.results]
        right, found = sum(row.right for row in rows), sum(len(one.found_required) for one in seen)
        missed = sum(len(one.missed) for one in seen)
        targets = [target for one in seen for target in one.targets]
        failing = [one for found in self.confirmed.values() for one in found if one.through is False]
        nothing = [
            ("no false works", sum(row.false_works for row in rows)),
            ("no false blocked", sum(row.false_blocked for row in rows)),
            ("no option missing from a report", sum(len(one.missing) for one in seen)),
            ("no finding invented", sum(len(one.invented) for one in seen)),
            ("no network state wrong", sum(not one.state_right for one in seen)),
            ("no target wrong", sum(not target.right for target in targets)),
            ("nothing recommended in vain", sum(len(one.misled) for one in seen)),
            ("no rule silent that had to fire", sum(len(one.silent) for one in seen)),
            ("no client fails where the truth says works", len(failing)),
            ("no run broken", len(self.broken)),
        ]
        enough = [
            ("status inside the set that may be said, 99 %", right, len(rows), CELLS_WANTED),
            ("findings that had to be found, 95 %", found, found + missed, FOUND_WANTED),
        ]
        return (
            *(
                (word, f"{good} of {of} ({_percent(good, of)})", good >= part * of)
                for word, good, of, part in enough
            ),
            *((word, str(count), count == 0) for word, count in nothing),
        )

    @property
    def good(self) -> bool:
        """Whether everything that is wanted holds, and there is something to say so of."""
        return bool(self.results) and all(holds for _, _, holds in self.wanted)

    def lines(self) -> Iterator[str]:
        """Return the whole table."""
        yield from self._wanted()
        yield from self._scenarios()
        yield from self._matrix("Verdict against truth", "truth", self.results, lambda _, row: _truth(row))
        yield from self._matrix(
            "By kind", "kind: truth", self.results, lambda _, row: f"{row.kind}: {_truth(row)}"
        )
        yield from self._matrix(
            "By scenario",
            "scenario: truth",
            self.results,
            lambda result, row: f"{result.scenario}: {_truth(row)}",
        )
        yield from self._findings()
        yield from self._targets()
        yield from self._regrets()
        yield from self._clients()
        yield from self._wrong()

    def _wanted(self) -> Iterator[str]:
        yield from _heading("What is wanted")
        yield from _grid(
            ("wanted", "came", ""),
            [(word, came, "yes" if holds else "**NO**") for word, came, holds in self.wanted],
        )

    def _scenarios(self) -> Iterator[str]:
        yield from _heading("Scenarios")
        rows = []
        for name in self._names():
            runs = [one.comparison for one in self.results if one.scenario == name]
            cells = [row for one in runs for row in one.rows]
            rows.append(
                (
                    name,
                    len(runs),
                    len(cells),
                    _percent(sum(row.right for row in cells), len(cells)),
                    sum(row.false_works for row in cells),
                    sum(row.false_blocked for row in cells),
                    sum(len(one.found_required) for one in runs),
                    sum(len(one.missed) for one in runs),
                    sum(len(one.invented) for one in runs),
                    f"{sum(one.state_right for one in runs)} of {len(runs)}",
                )
            )
        yield from _grid(
            (
                "scenario", "runs", "cells", "right", "false works", "false blocked",
                "findings found", "missed", "invented", "state right",
            ),
            rows,
        )  # fmt: skip

    def _matrix(
        self, title: str, first: str, results: Sequence[Result], name: Callable[[Result, Row], str]
    ) -> Iterator[str]:
        """Return a confusion matrix: what may be said against what was said."""
        counts: dict[str, Counter[str]] = {}
        for result in results:
            for row in result.comparison.rows:
                counts.setdefault(name(result, row), Counter())[row.said] += 1
        yield from _heading(title)
        yield from _grid(
            (first, *_SAID),
            [(key, *(count[said] or "" for said in _SAID)) for key, count in sorted(counts.items())],
        )

    def _findings(self) -> Iterator[str]:
        yield from _heading("Findings")
        found: dict[str, Counter[str]] = {}
        for one in self.results:
            for word in ("found_required", "missed", "invented"):
                for kind in getattr(one.comparison, word):
                    found.setdefault(kind, Counter())[word] += 1
        words = ("found_required", "missed", "invented")
        yield from _grid(
            ("finding", "found", "missed", "invented"),
            [(kind, *(count[word] for word in words)) for kind, count in sorted(found.items())],
        )
        unbuilt = Counter(word for one in self.results for word in one.comparison.unbuilt)
        yield ""
        yield (
            "Not built, and not counted: "
            + ", ".join(
                f"`{word}` ({unbuilt[word]} runs)" if word in unbuilt else f"`{word}`"
                for word in sorted(LATER)
            )
            + f"; evidence {E2}."
        )

    def _targets(self) -> Iterator[str]:
        rows = [(one.scenario, target) for one in self.results for target in one.comparison.targets]
        if not rows:
            return
        yield from _heading("Targets")
        count = Counter(
            (name, target.name, " or ".join(target.true), target.said, ", ".join(_kinds(target.ways)) or "nothing",
             "yes" if target.right else f"**NO**: {target.why}")
            for name, target in rows
        )  # fmt: skip
        yield from _grid(
            ("scenario", "target", "directly, truth", "directly, said", "said to suffice", "right", "runs"),
            [(*key, runs) for key, runs in sorted(count.items())],
        )

    def _regrets(self) -> Iterator[str]:
        yield from _heading("Regret of the first recommendation")
        rows = []
        for name in self._names():
            runs = [list(regrets(one, find(name))) for one in self.results if one.scenario == name]
            top = [run[0] for run in runs if run]
            worst: dict[str, float] = {}
            for one in (one for run in runs for one in run):
                worst[one.scope] = max(worst.get(one.scope, 0.0), one.seconds)
            by_scope = ", ".join(f"{scope} {_seconds(seconds)}" for scope, seconds in worst.items())
            labels = sorted({one.label for one in top})
            rows.append(
                (
                    name,
                    "; ".join(labels) or "nothing, and nothing works",
                    _seconds(sum(one.seconds for one in top) / len(top)) if top else "",
                    _seconds(max(one.seconds for one in top)) if top else "",
                    by_scope,
                )
            )
        yield from _grid(("scenario", "recommended first", "mean", "worst", "worst of each scope"), rows)

    def _clients(self) -> Iterator[str]:
        if not self.confirmed:
            return
        yield from _heading("Confirmed by independent clients")
        kinds = sorted({one.kind for found in self.confirmed.values() for one in found})
        rows = []
        for kind in kinds:
            own = [one for found in self.confirmed.values() for one in found if one.kind == kind]
            absent = sorted({one.said for one in own if one.through is None})
            by = CLIENTS[kind].by if kind in CLIENTS else "nobody"
            if absent:
                by += f": {'; '.join(absent)}"
            counts = Counter(one.through for one in own)
            rows.append((kind, by, counts[True], counts[False], counts[None]))
        yield from _grid(("kind", "by", "confirmed", "**fails**", "not confirmed"), rows)

    def _wrong(self) -> Iterator[str]:
        lines = [f"- {one.scenario} {one.seed}: {line}" for one in self.results for line in complaints(one)]
        lines += [
            f"- {name}: {one.label}: the client fails: {one.said}"
            for name, found in sorted(self.confirmed.items())
            for one in found
            if one.through is False
        ]
        lines += [f"- {line}" for line in self.broken]
        yield from _heading("Everything that was wrong")
        yield from sorted(lines) or ["Nothing."]
        if self.repeated:
            yield from _heading("Runs that a busy machine spoiled, and that were repeated")
            yield from (f"- {line}" for line in sorted(self.repeated))

    def _names(self) -> list[str]:
        return sorted({one.scenario for one in self.results})


def too_busy(result: Result) -> str | None:
    """Say why a run was none of its scenario, because the machine was too busy; ``None`` if it was one.

    It rests on how late the wire and the check's own loop were, and on what the check says of that, never on verdicts.
    """
    lag, late = result.report.network.loop_lag_ms, result.late
    if result.report.bytes.sent == 0:
        return None  # nothing was tried, and the loop had hardly begun
    if late > LATE * result.seconds:
        return f"the wire was {late:.1f} s late in {result.seconds:.0f} s"
    if lag.get("p95", 0.0) > LAG_P95 or lag.get("max", 0.0) > LAG_MOST:
        return f"the check's loop was late by {lag['p95']:.0f} ms (95 %), {lag['max']:.0f} ms at most"
    if any(option.reason_detail == TOO_BUSY for option in result.report.options):
        return "options were not tried because the machine was too busy"
    return None


def complaints(result: Result) -> Iterator[str]:
    """Return what is wrong in a run, a line each."""
    seen = result.comparison
    if not seen.state_right:
        yield f"state: {seen.state}, and it is {' or '.join(seen.true_states)}"
    for word, texts in (
        ("missed", seen.missed),
        ("invented", seen.invented),
        ("never fired", seen.silent),
        ("not in the report", seen.missing),
        ("recommended in vain", seen.misled),
    ):
        if texts:
            yield f"{word}: {', '.join(texts)}"
    for target in seen.targets:
        if not target.right:
            yield f"target {target.name}: {target.said}, {', '.join(target.ways) or 'nothing'} suffices; {target.why}"
    for row in seen.wrong:
        yield f"{row.label}: {row.said} ({row.said_because}), and it is {' or '.join(row.true)}: {row.why}"


def _truth(row: Row) -> str:
    return " or ".join(row.true)


def _kinds(labels: Iterable[str]) -> list[str]:
    return sorted({label.split()[0] for label in labels})


def _percent(part: int, whole: int) -> str:
    """Return a percentage that is never rounded up to all."""
    return f"{math.floor(1000 * part / whole) / 10:g} %" if whole else "nothing"


def _seconds(value: float) -> str:
    return "**infinite**" if math.isinf(value) else f"{value:.2f} s"


def _heading(text: str) -> tuple[str, str, str]:
    return "", f"### {text}", ""


def _grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Return a table: Markdown that can be read as it is."""
    texts = [[str(cell).replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in texts) for column in range(len(head))]
    for number, row in enumerate(texts):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        if number == 0:
            yield "| " + " | ".join("-" * max(width, 3) for width in widths) + " |"
