"""Runs a check inside the laboratory, with everything that it needs given by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import circumvent

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.report import OptionReport, Report
    from tests.lab.names import Resolver
    from tests.lab.web import Web


@dataclass(frozen=True)
class Lab:
    """The honest resolver and the control server of the laboratory, and where files may be written."""

    resolver: Resolver
    web: Web
    folder: Path

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Return keywords for a check that asks nothing outside the laboratory."""
        anchor = self.folder / "root.anchor"
        anchor.write_text(self.resolver.anchor, "ascii")
        given: dict[str, Any] = {
            "control": [self.web.nonce_url],
            "bulk": self.web.bulk_url,
            "ca": [str(self.resolver.ca_file)],
            "trust_anchor": str(anchor),
            "dns_control": ["lab.example=198.51.100.16"],
            "system_dns": True,
            "allow_private": True,
            "fast": True,
            "deadline": 25,
        }
        return {**given, **changes}

    async def check(self, *named: str, **changes: Any) -> Report:
        """Run a check of what is named; whatever it says follows from the record alone."""
        report = await circumvent.acheck(list(named), **self.settings(**changes))
        document = report.to_dict()
        assert circumvent.judge_again(circumvent.Report.from_dict(document)).to_dict() == document
        return report

    def table(self, text: str) -> str:
        """Write a file of options and return its name."""
        path = self.folder / "options.toml"
        path.write_text(text, "ascii")
        return str(path)


def tried(report: Report) -> list[OptionReport]:
    """Return the options of a report without baseline rows."""
    return [option for option in report.options if not option.baseline]


def only(report: Report, kind: str | None = None) -> OptionReport:
    """Return the one option (of a kind) that a report has."""
    (option,) = [one for one in tried(report) if kind is None or one.kind == kind]
    return option
