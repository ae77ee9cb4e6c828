"""Which options deserve another try: where it can still change the answer.

The top of each scope by score, fewest tries first. In simulation this is as good as Thompson sampling, it is
deterministic, and it takes three to four times fewer tries than repeating everything (``docs/verdicts.md``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.rank.order import in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.rank.order import Candidate

#: How many of each scope are tried up to the limit.
TOP: Final = 3


def next_repeats(candidates: Iterable[Candidate], trials: int) -> list[str]:
    """Return the ids that should get one more try now, the most useful first.

    Only the top of each scope, while they have fewer than ``trials`` counted attempts; one with failures only if
    it would beat the third were all its tries left to succeed.
    """
    ordered = in_order(candidates)
    wanted: list[tuple[int, int, Candidate]] = []
    for scope in {candidate.scope for candidate in ordered}:
        mates = [candidate for candidate in ordered if candidate.scope is scope]
        bar = mates[TOP - 1].observed.score if len(mates) >= TOP else float("inf")
        for place, candidate in enumerate(mates):
            left = trials - candidate.observed.trials
            if left <= 0:
                continue
            mixed = bool(candidate.observed.failures)
            if place < TOP or (mixed and candidate.observed.if_next_succeed(left).score < bar):
                wanted.append((candidate.observed.trials, place, candidate))
    return [candidate.id for _, _, candidate in sorted(wanted, key=lambda one: (one[0], one[1], one[2].id))]
