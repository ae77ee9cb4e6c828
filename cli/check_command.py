"""``circumvent check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from circumvent.check.assemble import exit_code
from circumvent.check.plan import NothingToCheck, make_plan
from circumvent.check.settings import SettingsError
from circumvent.cli.drive import drive

if TYPE_CHECKING:
    from circumvent.check.events import Event
    from circumvent.check.settings import CheckSettings


class Silent:
    """A view that shows nothing."""

    def take(self, event: Event) -> None:
        """Show nothing."""

    async def run(self) -> None:
        """Return at once."""

    def close(self) -> None:
        """Leave the terminal alone."""


def run_check(settings: CheckSettings) -> int:
    """Run a check, print its document, return the exit code."""
    try:
        plan = make_plan(settings, stdin=sys.stdin.buffer.read)
    except NothingToCheck as exc:
        print("\n".join(exc.sentences), file=sys.stderr)
        return 2
    except SettingsError as exc:
        print(exc, file=sys.stderr)
        return 2
    if plan.parsed is not None:
        for sentence in plan.parsed.sentences():
            print(sentence, file=sys.stderr)
    report, interrupted = drive(plan, Silent())
    print(report.to_json())
    return exit_code(report, need=settings.need, interrupted=interrupted)
