"""The order: who is first in each scope, total by construction."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from circumvent.model.words import Scope, Status
from circumvent.rank.score import RATE_UNKNOWN, lower_median

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from circumvent.rank.score import Observed

SCOPES: Final = list(Scope)
#: Scores within this factor of each other count as alike; the faster line wins then.
_STEP: Final = math.log(1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An option that carried at least once and does not lie.

    ``loss`` (0 to 1) is that of the voice packets, for scope ``voice``.
    """

    id: str
    scope: Scope
    status: Status
    observed: Observed
    loss: float | None = None

    @property
    def tier(self) -> int:
        """Return 0 for what works, 1 for what works with limits."""
        return 0 if self.status is Status.WORKS else 1

    @property
    def key(self) -> tuple[int, int, float, float, float, str]:
        """Return the ascending sort key; the id makes it total."""
        score = self.observed.score
        if self.scope is Scope.VOICE:
            loss = 1.0 if self.loss is None else self.loss
            return (SCOPES.index(self.scope), self.tier, loss, min(self.observed.latencies), score, self.id)
        bucket = math.floor(math.log(score) / _STEP)
        return (
            SCOPES.index(self.scope),
            self.tier,
            bucket,
            -self.observed.effective_rate,
            score,
            self.id,
        )


def on_one_footing(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with a rate for those that were not asked for one: the median of their scope, if any.

    For lists of which only the best are asked for many bytes; else those that were not would be ahead of them.
    """
    rates: dict[Scope, list[float]] = {}
    for one in candidates:
        if one.observed.rate is not None:
            rates.setdefault(one.scope, []).append(one.observed.effective_rate)
    return [
        replace(one, observed=replace(one.observed, assumed=min(lower_median(known), RATE_UNKNOWN)))
        if one.observed.rate is None and (known := rates.get(one.scope))
        else one
        for one in candidates
    ]


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return the candidates in the order to try them, scope by scope."""
    return sorted((one for one in candidates if one.observed.latencies), key=lambda one: one.key)


def positions(candidates: Iterable[Candidate]) -> list[tuple[int, Candidate]]:
    """Return the candidates in order with their rank, which restarts at 1 in each scope."""
    ranked: list[tuple[int, Candidate]] = []
    for candidate in in_order(candidates):
        same_scope = ranked and ranked[-1][1].scope is candidate.scope
        ranked.append((ranked[-1][0] + 1 if same_scope else 1, candidate))
    return ranked
