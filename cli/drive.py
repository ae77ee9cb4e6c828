"""Runs a check for the command line: events to a view, signals to a partial report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio

from circumvent.check.api import CheckStream
from circumvent.check.events import Finished
from circumvent.cli.interrupts import INTERRUPTS
from circumvent.tor.program.folder import remove_standing

if TYPE_CHECKING:
    from circumvent.check.events import Event
    from circumvent.check.plan import Plan
    from circumvent.cli.interrupts import Listener
    from circumvent.model.report import Report


class View(Protocol):
    """Shows a check while it runs."""

    def take(self, event: Event) -> None:
        """Show one event."""

    async def run(self) -> None:
        """Repaint until cancelled."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Silent:
    """A view that shows nothing."""

    def take(self, event: Event) -> None:
        """Show nothing."""

    async def run(self) -> None:
        """Return at once."""

    def close(self) -> None:
        """Leave the terminal alone."""


def drive(plan: Plan, view: View, started_monotonic: float | None = None) -> tuple[Report, bool]:
    """Run the check of ``plan``; return its report and whether a signal ended it.

    The first signal that :mod:`circumvent.cli.interrupts` hears ends it with what is known.
    """
    try:
        return anyio.run(_drive, plan, view, started_monotonic)
    except BaseExceptionGroup as group:
        raise _only(group) from None


def _only(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error that a group of groups holds, else the group."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup) and len(found.exceptions) == 1:
        found = found.exceptions[0]
    return found


async def _drive(plan: Plan, view: View, started_monotonic: float | None) -> tuple[Report, bool]:
    report: Report | None = None
    stream = CheckStream(plan, started_monotonic)

    async def stop_when_told(listener: Listener) -> None:
        await listener.wait()
        stream.stop()

    def leave() -> None:
        """Leave nothing behind when a second signal ends the process at once."""
        try:
            view.close()
        finally:
            remove_standing()

    try:
        with INTERRUPTS.listening(leave) as listener:
            async with anyio.create_task_group() as group:
                group.start_soon(stop_when_told, listener)
                group.start_soon(view.run)
                async with stream:
                    async for event in stream:
                        view.take(event)
                        if isinstance(event, Finished):
                            report = event.report
                group.cancel_scope.cancel()
    finally:
        view.close()
    if report is None:  # pragma: no cover - Finished is always sent
        raise RuntimeError("the check ended without a report")
    return report, INTERRUPTS.pressed
