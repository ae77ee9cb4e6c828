"""Documented behaviours of censors in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.say.blocks import Block, Heading, Point, Points, Sentence, Space
from circumvent.say.language import _

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from circumvent.lab.behaviours import Behaviour


def behaviour_list(found: Collection[Behaviour]) -> tuple[Block, ...]:
    """Return behaviours, a point each."""
    points = tuple(Point(one.id, f"{one.trigger}: {one.action}") for one in found)
    said = _(
        "{n} documented behaviours of censors. One in full, with the rules that model it: circumvent lab rules ID"
    )
    return (Sentence(said.format(n=len(found))), Space(), Points(points))


def behaviour_in_full(one: Behaviour, scenarios: Sequence[str]) -> tuple[Block, ...]:
    """Return everything that is known of a behaviour but its rules; ``scenarios`` are those that imitate it."""
    period = f"{one.since} {_('to')} {one.until}" if one.until else one.since
    said = (
        (_("country"), one.country),
        (_("since"), period),
        (_("trigger"), one.trigger),
        (_("action"), one.action),
        (_("scope"), one.scope),
        (_("client sees"), one.sees),
        (_("not certain"), one.certainty),
        (_("sources"), "; ".join(one.source)),
        (_("scenarios"), ", ".join(scenarios)),
        (_("model differs"), one.differs),
        (_("no model"), one.absent),
    )
    points = Points(tuple(Point(lead, text) for lead, text in said if text))
    blocks: list[Block] = [Sentence(one.id, strong=True), Space(), points]
    if one.rule:
        blocks += [Space(), Heading(_("As rules of a scenario"))]
    return tuple(blocks)
