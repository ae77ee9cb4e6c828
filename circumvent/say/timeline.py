"""Every try of a report in the order of time: for who helps and wants to see when things began to fail."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _
from circumvent.say.names import Names
from circumvent.say.reasons import failure_clause
from circumvent.say.words import milliseconds
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from circumvent.model.report import OptionReport, Report

#: Tries that are shown; a check of a usual list has far fewer.
MOST: Final = 500


def timeline(report: Report) -> tuple[Block, ...]:
    """Return when each try began, what it was, how long it took and how far it got."""
    names = Names(report.options)
    tries = sorted(
        ((one, option) for option in report.options for one in option.attempts),
        key=lambda pair: (pair[0].phase, pair[0].t0),
    )
    said = _("{tries} tries of {options} options in {time:.1f} s").format(
        tries=len(tries),
        options=sum(bool(option.attempts) for option in report.options),
        time=report.duration_s,
    )
    blocks: list[Block] = [Sentence(said, strong=True)]
    for phase, held in groupby(tries[:MOST], key=lambda pair: pair[0].phase):
        blocks += [Space(), Heading(_phase(phase))]
        blocks.append(Points(tuple(_point(attempt, option, names) for attempt, option in held)))
    if len(tries) > MOST:
        blocks.append(Sentence(_("and {n} more tries").format(n=len(tries) - MOST)))
    return tuple(blocks)


def _phase(number: int) -> str:
    return _("Options") if number == 1 else _("What may set off filters, and after it")


def _point(attempt: Attempt, option: OptionReport, names: Names) -> Point:
    sign = "+" if attempt.carried else "x"
    took = milliseconds((attempt.t - attempt.t0) * 1000)
    said = f"{sign} {names.with_kind(option)}: {_end(attempt)}, {took}"
    if option.baseline:
        said += _(", a look at the line itself")
    if not attempt.counted:
        said += _(", not counted ({why})").format(why=sanitise(attempt.why or "", 60))
    return Point(f"{attempt.t0:.3f} s", said)


def _end(attempt: Attempt) -> str:
    if attempt.failure is None:
        return attempt.proof.value
    step = attempt.step(attempt.failure.step)
    clause = failure_clause(attempt.failure, step)
    return f"{attempt.proof.value}, {sanitise(attempt.failure.step, 20)}: {clause}"
