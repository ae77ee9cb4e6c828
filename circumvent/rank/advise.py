"""The ranking of a report and its recommendations, from options that have their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.report import Ranked, Recommendation
from circumvent.model.words import Scope, Status
from circumvent.rank.order import Candidate, positions
from circumvent.rank.score import observe
from circumvent.say import advice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from circumvent.model.report import OptionReport


def candidate(option: OptionReport, *, without_connect: bool = False) -> Candidate | None:
    """Return what the ranking sees of an option, ``None`` if it is not ranked.

    Not ranked are baseline rows, what never carried, and what lies.
    """
    if option.baseline or option.status not in {Status.WORKS, Status.DEGRADED, Status.UNSTABLE}:
        return None
    if option.detail.get("limit") == "wrong_answer" or option.detail.get("lies"):
        return None
    return Candidate(
        id=option.id,
        scope=option.scope,
        status=option.status,
        observed=observe(option.attempts, without_connect=without_connect),
        loss=_voice_loss(option),
    )


def candidates(options: Iterable[OptionReport], *, without_connect: bool = False) -> list[Candidate]:
    """Return the candidates among the options."""
    found = (candidate(option, without_connect=without_connect) for option in options)
    return [one for one in found if one is not None and one.observed.latencies]


def ranking(options: Sequence[OptionReport], *, without_connect: bool = False) -> tuple[Ranked, ...]:
    """Return the order to try options in, scope by scope, each with its score and reason."""
    by_id = {option.id: option for option in options}
    return tuple(
        Ranked(
            rank=rank,
            id=one.id,
            scope=one.scope,
            score_s=round(one.observed.score, 3),
            why=advice.why(by_id[one.id]),
        )
        for rank, one in positions(candidates(options, without_connect=without_connect))
    )


def recommendations(
    options: Sequence[OptionReport], ranked: Sequence[Ranked], place_of: Mapping[str, str]
) -> tuple[Recommendation, ...]:
    """Return what to do next in each scope: the first, and a backup that does not share its fate."""
    by_id = {option.id: option for option in options}
    told = []
    for scope in Scope:
        order = [by_id[one.id] for one in ranked if one.scope is scope]
        if not order or scope is Scope.VOICE:
            continue
        best = order[0]
        backup = _backup(best, order[1:], place_of)
        told.append(
            Recommendation(
                scope=scope,
                id=best.id,
                backup=backup.id if backup is not None else None,
                visible=advice.visible(best),
                because="best",
                text=advice.what(best),
                next_step=advice.next_step(backup),
            )
        )
    return tuple(told)


def _backup(
    best: OptionReport, others: Sequence[OptionReport], place_of: Mapping[str, str]
) -> OptionReport | None:
    """Return the first other option in another place, in another manner too if one is there."""
    elsewhere = [one for one in others if place_of.get(one.id) != place_of.get(best.id)]
    unlike = [one for one in elsewhere if one.kind != best.kind]
    return next(iter(unlike or elsewhere), None)


def _voice_loss(option: OptionReport) -> float | None:
    """Return the lowest part of voice packets lost in an attempt that measured it."""
    losses = []
    for attempt in option.attempts:
        for step in attempt.steps:
            sent, lost = step.detail.get("sent"), step.detail.get("lost")
            if attempt.counted and isinstance(sent, int) and isinstance(lost, int) and sent > 0:
                losses.append(lost / sent)
    return min(losses, default=None)
