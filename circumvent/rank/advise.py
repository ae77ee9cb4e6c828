"""The ranking of a report and its recommendations, from options that have their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.model.report import Ranked, Recommendation
from circumvent.model.words import Exposure, Scope, Status
from circumvent.rank.order import Candidate, on_one_footing, positions
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


def ranking(
    options: Sequence[OptionReport], *, without_connect: bool = False, short: bool = False
) -> tuple[Ranked, ...]:
    """Return the order to try options in, scope by scope, each with its score and reason.

    ``short``: only the best were asked for many bytes.
    """
    found = candidates(options, without_connect=without_connect)
    by_id = {option.id: option for option in options}
    return tuple(
        Ranked(
            rank=rank,
            id=one.id,
            scope=one.scope,
            score_s=round(one.observed.score, 3),
            why=advice.why(by_id[one.id]),
        )
        for rank, one in positions(on_one_footing(found) if short else found)
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
        told.append(_told(order[0], order, place_of, "best"))
        quieter = _least_visible(order)
        if quieter is not None:
            told.append(_told(quieter, order, place_of, "least_visible"))
    return tuple(told)


def _told(
    option: OptionReport, order: Sequence[OptionReport], place_of: Mapping[str, str], because: str
) -> Recommendation:
    backup = _backup(option, [one for one in order if one is not option], place_of)
    return Recommendation(
        scope=option.scope,
        id=option.id,
        backup=backup.id if backup is not None else None,
        visible=advice.visible(option),
        because=because,
        text=advice.what(option),
        next_step=advice.next_step(backup),
    )


def _least_visible(order: Sequence[OptionReport]) -> OptionReport | None:
    """Return the first that works and shows less to an observer than the best does, if there is one."""
    shown = list(Exposure)
    return next(
        (
            one
            for one in order
            if one.status is Status.WORKS and shown.index(one.exposure) < shown.index(order[0].exposure)
        ),
        None,
    )


def _backup(
    best: OptionReport, others: Sequence[OptionReport], place_of: Mapping[str, str]
) -> OptionReport | None:
    """Return the first other option in another place, in another manner too if one is there."""
    elsewhere = [one for one in others if place_of.get(one.id) != place_of.get(best.id)]
    unlike = [one for one in elsewhere if _manner(one) != _manner(best)]
    return next(iter(unlike or elsewhere), None)


def _manner(option: OptionReport) -> tuple[str, str]:
    return option.kind, option.endpoint.rpartition(":")[2]


def _voice_loss(option: OptionReport) -> float | None:
    """Return the lowest part of voice packets lost in an attempt that measured it."""
    losses = []
    for attempt in option.attempts:
        for step in attempt.steps:
            sent, lost = step.detail.get("sent"), step.detail.get("lost")
            if attempt.counted and isinstance(sent, int) and isinstance(lost, int) and sent > 0:
                losses.append(lost / sent)
    return min(losses, default=None)
