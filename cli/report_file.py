"""Reads a report from a file. A report comes from a stranger: it is bounded, checked, and its words are hostile."""

from __future__ import annotations

from pathlib import Path

from circumvent.model.report import LARGEST, Report, ReportError
from circumvent.text import sanitise


def read_report(name: str) -> Report:
    """Read a report.

    :raises ReportError: when there is no such file or no report in it; the message names the file.
    """
    shown = sanitise(name, 100)
    try:
        with Path(name).open("rb") as file:
            data = file.read(LARGEST + 1)
    except IsADirectoryError:
        raise ReportError(f"{shown}: this is a folder. Name a file in it.") from None
    except FileNotFoundError:
        raise ReportError(f"{shown}: there is no such file here.{_meant(name)}") from None
    except (OSError, ValueError) as exc:
        why = getattr(exc, "strerror", None) or "unusable name"
        raise ReportError(f"{shown}: it can't be read ({why}).") from exc
    try:
        return Report.from_json(data)
    except ReportError as exc:
        raise ReportError(f"{shown}: {sanitise(str(exc), 400)}") from exc


def _meant(name: str) -> str:
    from circumvent.inputs.suggest import suggest_file  # noqa: PLC0415 - for a mistake only

    found = suggest_file(name)
    return f" Did you mean {sanitise(found, 60)}?" if found else ""
