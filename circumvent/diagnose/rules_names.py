"""Findings about names: who answers falsely, and who answers in somebody else's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.diagnose.findings import Result
    from circumvent.diagnose.look import Look
    from circumvent.model.words import FindingKind


def liars(look: Look) -> dict[str, str]:
    """Return the options whose answers were shown to be false, with the reason."""
    return {}


def forged(look: Look) -> frozenset[str]:
    """Return the options behind which forged answers came twice."""
    return frozenset()


RULES: Final[dict[FindingKind, Callable[[Look], Result]]] = {}
