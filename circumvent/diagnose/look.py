"""Questions that the rules ask of the observations.

A :class:`Look` holds the options with their attempts (verdicts ignored) and the facts read off this machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar

from circumvent.model import failure as failures
from circumvent.model.kinds import KINDS
from circumvent.model.words import Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from circumvent.model.record import Attempt
    from circumvent.model.report import OptionReport

T = TypeVar("T")

#: A finding that speaks of a class counts at least this many places.
PLACES: Final = 3


@dataclass(frozen=True)
class Look:
    """The observations of a check, as the rules see them."""

    options: Sequence[OptionReport]
    facts: Mapping[str, Any]

    @cached_property
    def place_of(self) -> dict[str, str]:
        """Return the place of each option; options of one place share their fate."""
        return {option.id: option.place or option.endpoint for option in self.options}

    @cached_property
    def up_over_tcp(self) -> frozenset[str]:
        """Return the places where something proved itself over TCP in this run."""
        return frozenset(
            self.place_of[option.id]
            for option in self.options
            if not KINDS[option.kind].datagram and best_proof(option).at_least(Proof.HANDSHAKEN)
        )

    def places(self, options: Iterable[OptionReport]) -> set[str]:
        """Return the places of these options."""
        return {self.place_of[option.id] for option in options}

    def where(self, rule: Callable[[OptionReport], bool]) -> list[OptionReport]:
        """Return the options for which the rule holds."""
        return [option for option in self.options if rule(option)]

    @cached_property
    def _memory(self) -> dict[str, Any]:
        return {}

    def remember(self, name: str, make: Callable[[], T]) -> T:
        """Return what ``make`` made the first time; several rules ask for the same comparison."""
        if name not in self._memory:
            self._memory[name] = make()
        value: T = self._memory[name]
        return value

    def fact(self, *path: str) -> Any:
        """Return a fact by its path, ``None`` if it is not known."""
        value: Any = self.facts
        for name in path:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value


def counted(option: OptionReport) -> list[Attempt]:
    """Return the attempts of an option that count."""
    return [attempt for attempt in option.attempts if attempt.counted]


def best_proof(option: OptionReport) -> Proof:
    """Return the highest rung that a counted attempt reached."""
    return max((attempt.proof for attempt in counted(option)), key=lambda one: one.rung, default=Proof.NONE)


def carried(option: OptionReport) -> bool:
    """Tell whether a counted attempt carried."""
    return any(attempt.carried for attempt in counted(option))


def silent(option: OptionReport) -> bool:
    """Tell whether it was tried and every counted attempt ended in silence: not one byte came back."""
    tries = counted(option)
    return bool(tries) and all(
        attempt.proof is Proof.NONE
        and attempt.bytes_received == 0
        and attempt.failure is not None
        and attempt.failure.error in failures.TIMEOUT_FAILURES
        for attempt in tries
    )


def seen_twice(option: OptionReport) -> bool:
    """Tell whether at least two attempts count."""
    return len(counted(option)) >= 2


def failed_with(option: OptionReport, *errors: str) -> list[Attempt]:
    """Return the counted attempts that failed with one of these failure strings."""
    return [one for one in counted(option) if one.failure is not None and one.failure.error in errors]


def ids(options: Iterable[OptionReport]) -> tuple[str, ...]:
    """Return the ids of the counted attempts of these options, as evidence."""
    return tuple(attempt.id for option in options for attempt in counted(option))
