"""Counts of options: what works, what works with limits, what does not. Counts, never percent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.words import Status
from circumvent.say.language import _

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.model.report import OptionReport, Report


def asked_for(report: Report) -> list[OptionReport]:
    """Return the options of a report without its baseline rows, which are not counted on a screen."""
    return [option for option in report.options if not option.baseline]


def lies(option: OptionReport) -> bool:
    """Tell whether an option gives false answers: it counts under what does not work."""
    return option.status is Status.DEGRADED and option.detail.get("limit") == "wrong_answer"


def works(option: OptionReport) -> bool:
    """Tell whether an option works without limits."""
    return option.status is Status.WORKS


def limited(option: OptionReport) -> bool:
    """Tell whether an option works with limits."""
    return option.status in {Status.DEGRADED, Status.UNSTABLE} and not lies(option)


def carries(option: OptionReport) -> bool:
    """Tell whether an option gets out, with limits or without."""
    return works(option) or limited(option)


def counted(options: Sequence[OptionReport]) -> str:
    """Say how many work: ``8 of 24 options work, 3 more work with limits.``"""
    total = len(options)
    good, weak = sum(map(works, options)), sum(map(limited, options))
    if total == 0:
        return _("No option was tried.")
    if not good and not weak:
        return (
            _("None of {total} options works.").format(total=total)
            if total > 1
            else _("The option does not work.")
        )
    said = _n(good, _("{n} of {total} options works"), _("{n} of {total} options work")).format(
        n=good, total=total
    )
    if total == 1:
        said = _("The option works") if good else _("The option works with limits")
        return said + "."
    if weak:
        said += ", " + _n(weak, _("{n} more works with limits"), _("{n} more work with limits")).format(
            n=weak
        )
    return said + "."


def tally(options: Iterable[OptionReport]) -> str:
    """Say the counts of every verdict: ``8 work, 3 with limits, 4 blocked, 5 no answer, 2 refused``."""
    found = list(options)
    sums = (
        (sum(map(works, found)), _("{n} work")),
        (sum(map(limited, found)), _("{n} with limits")),
        (sum(map(lies, found)), _("{n} give false answers")),
        (_of(found, Status.BLOCKED), _("{n} blocked")),
        (_of(found, Status.UNREACHABLE), _("{n} no answer")),
        (_of(found, Status.REFUSED), _("{n} refused")),
        (_of(found, Status.NOT_RUN), _("{n} not tried")),
    )
    return ", ".join(said.format(n=n) for n, said in sums if n) or _("nothing to try")


def _of(options: Sequence[OptionReport], status: Status) -> int:
    return sum(option.status is status for option in options)


def _n(count: int, one: str, many: str) -> str:
    return one if count == 1 else many
