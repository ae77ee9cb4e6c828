"""When what was tried: given a report, expect its tries in the order of time."""

from __future__ import annotations

import re

from circumvent.cli.draw import Style, draw
from circumvent.model.words import NetworkState, Proof
from circumvent.say.timeline import MOST, timeline
from tests.diagnose.build import attempt, option, silence
from tests.say.reports import FORMS, report


def said(page: object) -> list[str]:
    return draw(page, Style(width=None, plain=True))  # type: ignore[arg-type]  # pages


def test_tries_stand_in_the_order_of_time_whatever_they_are_of() -> None:
    first = option("one.example", "dot", attempt(t0=0.1, t=0.2), silence(t0=2.0, t=5.5))
    second = option("two.example", "dot", attempt(Proof.SUSTAINED, t0=1.0, t=1.5))
    lines = said(timeline(report(NetworkState.OPEN, [second, first])))
    assert lines[0].startswith("3 tries of 2 options in ")
    times = [line.partition(":")[0] for line in lines if re.match(r"\d+\.\d{3} s", line)]
    assert times == ["0.100 s", "1.000 s", "2.000 s"]
    assert any("+ two.example (DoT): sustained, 500 ms" in line for line in lines)
    assert any("x one.example (DoT): none, connect: " in line for line in lines)


def test_what_may_set_off_filters_stands_by_itself() -> None:
    found = option("one.example", "dot", attempt(t0=3.0), attempt(t0=1.0, phase=2))
    lines = said(timeline(report(NetworkState.OPEN, [found])))
    assert lines.index("Options") < lines.index("What may set off filters, and after it")


def test_a_try_that_does_not_count_says_why() -> None:
    found = option("one.example", "dot", attempt(counted=False, why="\x1b[31mwatch"))
    (line,) = [one for one in said(timeline(report(NetworkState.OPEN, [found]))) if "not counted" in one]
    assert line.endswith(r"not counted (\x1b[31mwatch)")
    assert "\x1b" not in line


def test_a_long_list_is_cut_and_counted() -> None:
    found = option("one.example", "dot", *(attempt(t0=float(n)) for n in range(MOST + 7)))
    lines = said(timeline(report(NetworkState.OPEN, [found])))
    assert lines[-1] == "and 7 more tries"
    assert len(lines) < MOST + 10


def test_every_form_of_report_has_one() -> None:
    for make, _ in FORMS.values():
        assert "tries of" in said(timeline(make()))[0]
