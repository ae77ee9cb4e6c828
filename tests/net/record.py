"""Records for tests of the network layer."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from circumvent.net.clock import Clock
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.record import Failure, Json, Step


def new_trace(limit: float | None = None) -> Trace:
    """Return the record of an attempt that begins now; ``limit`` (seconds) holds for every step."""
    return Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=limit)


def last_step(trace: Trace) -> Step:
    """Return the step that closed last."""
    return trace.steps[-1]


def failure_of(trace: Trace) -> Failure:
    """Return the failure that ended the attempt."""
    assert trace.failure is not None
    return trace.failure


def number(facts: dict[str, Json], key: str) -> float:
    """Return a fact that is a number."""
    value = facts[key]
    assert isinstance(value, (int, float))
    return value


@contextmanager
def nothing_left() -> Iterator[None]:
    """Fail if the block leaves file descriptors or threads behind."""
    descriptors, threads = _descriptors(), _threads()
    yield
    assert _descriptors() == descriptors
    left = _threads() - threads
    assert not left, left


def _threads() -> set[str]:
    # anyio's test runner has trio wait for the system in threads that trio keeps.
    return {thread.name for thread in threading.enumerate() if not thread.name.startswith("Trio thread")}


def _descriptors() -> list[str]:
    return (
        sorted(entry.name for entry in Path("/proc/self/fd").iterdir())
        if Path("/proc/self/fd").exists()
        else []
    )
