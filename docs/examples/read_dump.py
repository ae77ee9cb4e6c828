"""Read a dump, and judge its observations again by the rules of this version."""

from __future__ import annotations

import sys
from pathlib import Path

import circumvent
from circumvent.diagnose.conclude import conclude


def changed(text: str) -> list[str]:
    """Return the options of a dump whose status is another one by today's rules."""
    report = circumvent.Report.from_json(text)
    again = conclude(report.options, report.network)
    return [
        f"{now.id}: {then.status}, now {now.status}"
        for then, now in zip(report.options, again.options, strict=True)
        if then.status is not now.status
    ]


if __name__ == "__main__":
    print("\n".join(changed(Path(sys.argv[1]).read_text("utf-8"))) or "nothing changes")  # noqa: T201 - it is a program
