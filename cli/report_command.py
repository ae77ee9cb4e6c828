"""``circumvent report``: a report for whoever helps."""

from __future__ import annotations

import sys

from circumvent.cli import terminal
from circumvent.cli.report_file import read_report
from circumvent.say.staff import one_option, staff_screen
from circumvent.text import sanitise

BAD_INPUT = 2


def run_report(
    name: str, *, option: str | None, timeline: bool = False, html: str | None = None, plain: bool
) -> int:
    """Print a report; or one option of it with every try; or every try in the order of time; or write it as a page.

    :raises ReportError: for a file that is no report.
    :raises ValueProblem: when the page can't be written.
    """
    report = read_report(name)
    if html is not None:
        from circumvent.cli.page import page  # noqa: PLC0415 - for this option only
        from circumvent.cli.private_file import write_private  # noqa: PLC0415 - as above
        from circumvent.say.pages import report_page  # noqa: PLC0415 - as above

        write_private(page(*report_page(report, sanitise(name, 100))), html, option="--html")
    if timeline:
        if option is not None:
            terminal.tell("--timeline: --option shows every try of one option already. Give one of the two.")
            return BAD_INPUT
        from circumvent.say.timeline import timeline as by_time  # noqa: PLC0415 - for this option only

        terminal.show(by_time(report), sys.stdout, plain=plain)
        return 0
    if option is None:
        terminal.show(staff_screen(report, sanitise(name, 100)), sys.stdout, plain=plain)
        return 0
    found = [one for one in report.options if option in (one.id, one.label)]
    if not found:
        from circumvent.inputs.suggest import suggest  # noqa: PLC0415 - for a mistake only

        names = [word for one in report.options for word in (one.id, one.label)]
        meant = suggest(option, names)
        hint = f" Did you mean {sanitise(meant, 60)}?" if meant else ""
        terminal.tell(f'--option: the report has no option "{sanitise(option, 40)}".{hint}')
        return BAD_INPUT
    for one in found:
        terminal.show(one_option(one), sys.stdout, plain=plain)
    return 0
