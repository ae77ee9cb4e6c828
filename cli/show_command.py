"""``circumvent show``: one built-in option in full, or the options of a report with some status."""

from __future__ import annotations

import sys
from pathlib import Path

from circumvent.cli import terminal, values
from circumvent.cli.report_file import read_report
from circumvent.model.words import Status
from circumvent.say.catalogue import in_full
from circumvent.say.staff import with_status
from circumvent.text import sanitise

BAD_INPUT = 2


def run_show(name: str, *, status: str | None, plain: bool) -> int:
    """Print what ``name`` (the id of a built-in option, or a report's file) stands for.

    :raises ValueProblem: for a status that is none.
    :raises ReportError: for a file that is no report.
    """
    if status is not None:
        chosen = Status(values.choice("--status", status, tuple(Status)))
        terminal.show(with_status(read_report(name), chosen), sys.stdout, plain=plain)
        return 0
    from circumvent import catalog  # noqa: PLC0415 - not for a report

    option = next((one for one in catalog.options() if one.id == name), None)
    if option is None:
        terminal.tell(_unknown(name, [one.id for one in catalog.options()]))
        return BAD_INPUT
    terminal.show(in_full(option, catalog.facts().get(option.id)), sys.stdout, plain=plain)
    return 0


def _unknown(name: str, ids: list[str]) -> str:
    from circumvent.inputs.suggest import suggest  # noqa: PLC0415 - for a mistake only

    if Path(name).is_file():
        return f"show: of a report, say which status. Example: circumvent show {sanitise(name, 60)} --status blocked"
    found = suggest(name, ids)
    hint = f" Did you mean {found}?" if found else ""
    return f'show: there is no built-in option "{sanitise(name, 40)}".{hint} All of them: circumvent list'
