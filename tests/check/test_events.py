"""Events are values."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import pytest

from circumvent.check import events
from circumvent.check.events import AttemptFinished, Event, Finished, Started
from tests.diagnose.build import attempt


def test_every_event_is_a_frozen_value_and_listed() -> None:
    there = {
        value
        for value in vars(events).values()
        if isinstance(value, type) and is_dataclass(value) and value.__module__ == events.__name__
    }
    assert set(get_args(Event)) == there
    event = AttemptFinished(option="a", attempt=attempt(), at=1.0, bytes_used=10)
    with pytest.raises(FrozenInstanceError):
        event.at = 2.0  # type: ignore[misc]  # this is what must not work


def test_the_first_and_the_last_hold_what_is_needed() -> None:
    assert {one.name for one in fields(Started)} >= {"options", "deadline_s"}
    assert {one.name for one in fields(Finished)} == {"report"}
