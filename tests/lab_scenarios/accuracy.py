"""The accuracy table: verdict against truth, by scenario and by kind. ``python -m tests.lab_scenarios.accuracy``.

::

    python -m tests.lab_scenarios.accuracy                     every scenario that ships, one seed
    python -m tests.lab_scenarios.accuracy --seeds 3 open      one scenario, three seeds

Status 0 if nothing at all is wrong.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.lab.namespace import Refused
from circumvent.lab.run import Result, RunFailedError, run
from circumvent.lab.scenario import find, names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_HEAD: Final = ("", "cells", "right", "false works", "false blocked")


@dataclass
class Tally:
    """Cells of one kind, or of one scenario."""

    cells: int = 0
    right: int = 0
    false_works: int = 0
    false_blocked: int = 0
    said: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, results: Iterable[Result], kind: str | None = None) -> Tally:
        """Count the options of ``kind`` (all, if ``None``)."""
        for result in results:
            for row in result.comparison.rows:
                if kind in (None, row.kind):
                    self.cells += 1
                    self.right += row.right
                    self.false_works += row.false_works
                    self.false_blocked += row.false_blocked
                    self.said[" or ".join(row.true), row.said] += 1
        return self

    def row(self, name: str) -> tuple[str, ...]:
        """Return a row of the table."""
        return name, str(self.cells), str(self.right), str(self.false_works), str(self.false_blocked)


def lines(results: Sequence[Result]) -> Iterator[str]:
    """Return the table as lines of text."""
    yield from _grid("by scenario", results, sorted({one.scenario for one in results}), by_kind=False)
    kinds = sorted({row.kind for one in results for row in one.comparison.rows})
    yield from _grid("by kind", results, kinds, by_kind=True)
    yield "verdict against truth"
    for (true, said), count in sorted(Tally().take(results).said.items()):
        yield f"  {true:40} {said:12} {count:6}"
    found = sum(len(one.comparison.found) for one in results)
    missed = sum(len(one.comparison.missed) for one in results)
    invented = sum(len(one.comparison.invented) for one in results)
    states = sum(one.comparison.state_right for one in results)
    yield f"findings: {found} found, {missed} missed, {invented} invented"
    yield f"not built: {', '.join(sorted({word for one in results for word in one.comparison.unbuilt})) or 'none'}"
    yield f"network state: right in {states} of {len(results)} runs"


def _grid(title: str, results: Sequence[Result], names: Sequence[str], *, by_kind: bool) -> Iterator[str]:
    yield title
    rows: list[tuple[str, ...]] = [_HEAD]
    for name in names:
        tally = (
            Tally().take(results, name)
            if by_kind
            else Tally().take(one for one in results if one.scenario == name)
        )
        rows.append(tally.row(name))
    for row in rows:
        yield f"  {row[0]:32}" + "".join(f"{cell:>14}" for cell in row[1:])


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
    for row in seen.wrong:
        yield f"{row.label}: {row.said} ({row.said_because}), and it is {' or '.join(row.true)}: {row.why}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run scenarios and print the table."""
    parser = argparse.ArgumentParser(prog="accuracy")
    parser.add_argument("scenario", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args(arguments)
    results: list[Result] = []
    broken = 0
    for name in given.scenario or names():
        for seed in range(given.seeds):
            try:
                result = run(find(name), seed=seed)
            except Refused as error:
                sys.stderr.write(f"{error}\n")
                return 2
            except RunFailedError as error:
                broken += 1
                sys.stdout.write(f"{name} {seed}: {error}\n")
                continue
            results.append(result)
            said = "right" if result.comparison.right else "WRONG"
            sys.stdout.write(f"{name} {seed}: {said}, {result.seconds:.1f} s\n")
            sys.stdout.writelines(f"    {line}\n" for line in complaints(result))
            sys.stdout.flush()
    sys.stdout.writelines(f"{line}\n" for line in lines(results))
    return int(bool(broken) or not all(one.comparison.right for one in results))


if __name__ == "__main__":
    sys.exit(main())
