"""Which tests were left out, and why: shown at the end of a run, and a failure where completeness is asked for.

``CIRCUMVENT_TESTS_COMPLETE=1`` in the environment makes a run fail that left anything out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from tests.lab.daemon import PACKAGES, find_program
from tests.lab.go_servers import everything

if TYPE_CHECKING:
    from collections.abc import Iterable

COMPLETE: Final = "CIRCUMVENT_TESTS_COMPLETE"
#: Programs that no package of Debian has: those that ``nox -s servers`` builds, and others. Tests use one that is on PATH;
#: without it a run is as complete as can be, and the page of evidence says what stands in for it.
UNPACKAGED: Final = frozenset({*everything(), "dnstt-server"})
_UNPACKAGED: Final = "is not on PATH (no package has it)"


def leave_out(reason: str) -> NoReturn:
    """Leave the running test out; the summary will name it."""
    pytest.skip(reason)


def missing(programs: Iterable[str]) -> str | None:
    """Say which of the programs are not installed, as a reason; ``None`` if all are."""
    absent = [name for name in programs if find_program(name) is None]
    if not absent:
        return None
    return " and ".join(
        f"{name} is not installed (Debian package {PACKAGES[name]})"
        if name in PACKAGES
        else f"{name} {_UNPACKAGED if name in UNPACKAGED else 'is not on PATH'}"
        for name in absent
    )


def requires(*programs: str) -> None:
    """Leave the running test out unless all programs are installed."""
    reason = missing(programs)
    if reason is not None:
        leave_out(reason)


class LeftOut:
    """A pytest plugin that collects what was left out and speaks about it at the end."""

    def __init__(self) -> None:
        self._reasons: dict[str, list[str]] = {}

    @property
    def _incomplete(self) -> bool:
        """Tell whether completeness was asked for, and something is missing that could be there."""
        lacking = any(not reason.endswith(_UNPACKAGED) for reason in self._reasons)
        return lacking and os.environ.get(COMPLETE) == "1"

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not report.skipped or hasattr(report, "wasxfail"):
            return
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        self._reasons.setdefault(text.removeprefix("Skipped: "), []).append(report.nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that was left out."""
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that was left out."""
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that should have been complete."""
        if self._incomplete and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name what was left out, by reason."""
        if not self._reasons:
            return
        count = sum(len(tests) for tests in self._reasons.values())
        terminalreporter.section(f"left out: {count}")
        for reason, tests in sorted(self._reasons.items()):
            terminalreporter.write_line(f"because {reason}:")
            for test in sorted(tests):
                terminalreporter.write_line(f"  {test}")
        if self._incomplete:
            terminalreporter.write_line(f"{COMPLETE}=1: leaving tests out is a failure", red=True)
