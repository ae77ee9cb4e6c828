"""Options and contexts for tries of Tor bridges on this machine."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from circumvent.ids import IdMaker
from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.model.option import Endpoint, Option
from circumvent.net.clock import Clock
from circumvent.net.errors import StepFailed
from circumvent.transport import Context, load
from tests.names import tries

if TYPE_CHECKING:
    from circumvent.model.record import Attempt


def bridge(line: str, *, at: tuple[str, int] | None = None, **changed: bytes) -> Option:
    """Return the option of a bridge line; ``at`` sends it somewhere else, ``changed`` are other settings."""
    option = parse_bridge(line)
    if at is not None:
        option = replace(option, endpoint=Endpoint(host=at[0], port=at[1]))
    if changed:
        settings: Any = option.settings
        option = replace(option, settings=replace(settings, **changed))
    return IdMaker(bytes(32)).named(option)


def context(*, clock_wrong_by: float = 0.0, **more: Any) -> Context:
    """Return what one attempt needs; ``clock_wrong_by`` (seconds) is how far this device's clock is ahead."""
    clock = Clock()
    clock.started_wall += clock_wrong_by
    return replace(tries.context(tries.plan(None), clock=clock, **more), random=SystemRandom())


async def try_once(option: Option, given: Context) -> Attempt:
    """Try the option and return the record."""
    with suppress(StepFailed):  # the record has it
        await load(option.kind).attempt(option, given)
    return given.trace.attempt()


def failure_of(attempt: Attempt) -> tuple[str, str] | None:
    """Return the step that failed and the failure string."""
    return None if attempt.failure is None else (attempt.failure.step, attempt.failure.error)


def detail_of(attempt: Attempt, name: str) -> dict[str, Any]:
    """Return the details of the last step of that name."""
    step = attempt.step(name)
    assert step is not None, f"no {name} in {[one.name for one in attempt.steps]}"
    return step.detail
