"""The table: given these runs, expect these figures, and this judgement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from circumvent.lab.truth import TargetRow
from circumvent.model.report import Bytes
from tests.lab_scenarios.table import Table, complaints, too_busy
from tests.lab_scenarios.test_regret import result
from tests.lab_scenarios.worker import Confirmation

GOOD = result("dot dns.anvil.example", "doq dns.anvil.example", told="doq dns.anvil.example")


def but(**changes: Any) -> Table:
    """A table of one run whose comparison differs in these fields."""
    return Table(results=[replace(GOOD, comparison=replace(GOOD.comparison, **changes))])


def test_what_is_right_is_good() -> None:
    table = Table(results=[GOOD])
    assert table.good
    text = "\n".join(table.lines())
    assert "| 2 of 2 (100 %)" in text
    assert "Nothing." in text
    assert "**NO**" not in text


def test_nothing_at_all_is_not_good() -> None:
    assert not Table().good


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "filtered"},
        {"invented": ("flow_cut",)},
        {"missed": ("flow_cut",)},
        {"missing": ("dot other",)},
        {"misled": ("dot other",)},
        {"silent": ("rule",)},
        {"rows": (replace(GOOD.comparison.rows[0], said="unreachable", right=False),)},
        {"targets": (TargetRow(name="a", true=("works",), said="unreachable", ways=(), why="wrong"),)},
    ],
)
def test_any_mistake_is_bad_and_named(changes: dict[str, object]) -> None:
    table = but(**changes)
    assert not table.good
    text = "\n".join(table.lines())
    assert "**NO**" in text
    assert "Nothing." not in text
    assert list(complaints(table.results[0]))


def test_a_client_that_fails_is_bad_and_one_that_is_not_there_is_printed() -> None:
    fails = Confirmation(label="dot a", kind="dot", through=False, said="no answer")
    absent = Confirmation(label="dnscrypt a", kind="dnscrypt", through=None, said="nobody wrote one")
    assert not Table(results=[GOOD], confirmed={"open": [fails]}).good
    there = Table(results=[GOOD], confirmed={"open": [absent]})
    assert there.good
    assert "nobody wrote one" in "\n".join(there.lines())


def test_a_run_that_broke_is_bad() -> None:
    assert not Table(results=[GOOD], broken=["open 1: the laboratory broke"]).good


def test_one_wrong_cell_of_many_is_within_what_is_wanted_and_a_false_promise_is_not() -> None:
    right, wrong = GOOD.comparison.rows[0], replace(GOOD.comparison.rows[0], said="unreachable", right=False)
    assert but(rows=(right,) * 199 + (wrong,)).good
    promise = replace(wrong, said="works", true=("unreachable",))
    assert not but(rows=(right,) * 199 + (promise,)).good


def test_a_percentage_is_never_rounded_up() -> None:
    wrong = replace(GOOD.comparison.rows[0], said="unreachable", right=False)
    text = "\n".join(but(rows=(*GOOD.comparison.rows * 1000, wrong)).lines())
    assert "2000 of 2001 (99.9 %)" in text


def test_the_matrix_says_what_was_said_of_what_is_true() -> None:
    wrong = replace(GOOD.comparison.rows[0], said="unreachable", right=False)
    lines = list(but(rows=(*GOOD.comparison.rows, wrong)).lines())
    row = next(line for line in lines if line.startswith("| works"))
    assert [cell.strip() for cell in row.strip("| ").split("|")][:2] == ["works", "2"]
    assert "1" in row
    assert any(line.startswith("| open: works") for line in lines)
    assert any(line.startswith("| dot: works") for line in lines)


def busy(*, lag: dict[str, float] | None = None, late: float = 0.0, sent: int = 1000) -> str | None:
    """What is said of a run of one second with such figures."""
    network = msgspec.structs.replace(GOOD.report.network, loop_lag_ms=lag or {})
    changed = msgspec.structs.replace(GOOD.report, network=network, bytes=Bytes(sent=sent))
    return too_busy(replace(GOOD, report=changed, late=late))


def test_a_run_on_a_machine_that_was_too_busy_is_none() -> None:
    assert busy(lag={"p50": 1.0, "p95": 28.0, "max": 900.0}, late=0.009) is None
    assert busy(late=0.06) == "the wire was 0.1 s late in 1 s"
    assert busy(lag={"p95": 250.0, "max": 400.0}) == (
        "the check's loop was late by 250 ms (95 %), 400 ms at most"
    )
    assert busy(lag={"p95": 10.0, "max": 2500.0}) is not None
    assert busy(lag={"p95": 250.0, "max": 400.0}, sent=0) is None, "nothing was tried"


def test_what_the_check_itself_gave_up_for_a_busy_machine_is_none() -> None:
    gave_up = msgspec.structs.replace(GOOD.report.options[0], reason_detail="this machine was too busy")
    changed = msgspec.structs.replace(GOOD.report, options=(gave_up,), bytes=Bytes(sent=1))
    assert too_busy(replace(GOOD, report=changed)) is not None


def test_what_was_repeated_is_printed() -> None:
    table = Table(results=[GOOD], repeated=["open 0: late"])
    assert table.good
    assert "- open 0: late" in list(table.lines())
