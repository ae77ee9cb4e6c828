"""The driver: every event reaches the view, and the view is closed whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.check.events import Finished, OptionDecided, Started
from circumvent.check.plan import make_plan
from circumvent.check.settings import CheckSettings
from circumvent.cli.drive import Silent, drive

if TYPE_CHECKING:
    from circumvent.check.events import Event

#: Nobody listens there, on this machine.
SETTINGS = CheckSettings(named=("socks5://127.0.0.1:1",), anchors="none", allow_private=True, deadline=5.0)


class Watcher(Silent):
    """Keeps what it was shown."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.closed = 0

    def take(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_events_arrive_in_order_and_the_report_comes_back() -> None:
    view = Watcher()
    report, interrupted = drive(make_plan(SETTINGS), view)
    assert not interrupted
    assert isinstance(view.events[0], Started)
    assert isinstance(view.events[-1], Finished)
    assert any(isinstance(event, OptionDecided) for event in view.events)
    assert view.events[-1].report == report
    assert view.closed == 1


def test_a_view_that_fails_is_closed_too() -> None:
    class Failing(Watcher):
        def take(self, event: Event) -> None:
            super().take(event)
            raise BrokenPipeError

    view = Failing()
    with pytest.raises(BrokenPipeError):
        drive(make_plan(SETTINGS), view)
    assert view.closed == 1
