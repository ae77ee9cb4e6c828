"""A report as one page: what it says to people first, then to who helps, then every try."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.say.blocks import Block, Heading, Space
from circumvent.say.end import end_screen
from circumvent.say.language import _
from circumvent.say.staff import staff_screen
from circumvent.say.timeline import timeline

if TYPE_CHECKING:
    from circumvent.model.report import Report


def report_page(report: Report, file: str) -> tuple[str, tuple[Block, ...]]:
    """Return the title of the page and what stands on it; ``file`` is what the report was read from."""
    title = _("Network check: {state}").format(state=report.network.state.value.replace("_", " "))
    return title, (
        *end_screen(report),
        Space(),
        Heading(_("For who helps")),
        *staff_screen(report, file),
        Space(),
        Heading(_("Every try, in the order of time")),
        *timeline(report),
    )
