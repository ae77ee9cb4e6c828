"""Satellite terminals that are no dishes, for people: what answers, how sure that is, and whether the internet is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from circumvent.say.blocks import Block, Point, Points, Sentence, Space
from circumvent.say.language import _
from circumvent.say.reasons import reason
from circumvent.say.words import word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport
    from circumvent.satellite.others import Other
    from circumvent.satellite.recognise import Fit


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOther:
    """A terminal that is no dish, and what came of fetching something through it (``None``: not tried)."""

    other: Other
    internet: OptionReport | None = None

    @property
    def carries(self) -> bool:
        """Tell whether something came back through it."""
        return self.internet is not None and self.internet.proof.value in {"carried", "sustained"}

    @property
    def too_fast(self) -> bool:
        """Tell whether light rules out that what came back went by a satellite of any model that fits."""
        steps = [] if self.internet is None else [one.step("physics") for one in self.internet.attempts]
        excluded: set[str] = set()
        for step in steps:
            told = None if step is None else step.detail.get("excluded")
            excluded |= {str(one) for one in told} if isinstance(told, list) else set()
        return all(fit.terminal.system in excluded for fit in self.other.fits)


def others_screen(found: Sequence[SeenOther]) -> tuple[Block, ...]:
    """Return what is to be said of each."""
    blocks: list[Block] = []
    for seen in found:
        blocks += [Sentence(_answer(seen), strong=True), Space(), Points(_chain(seen)), Space()]
        if seen.other.router is not None and seen.other.router.has_dish:
            said = _("The dish itself does not answer at 192.168.100.1. Where a route is missing: {command}")
            blocks += [Sentence(said.format(command="circumvent guide satellite-route")), Space()]
    return tuple(blocks)


def _answer(seen: SeenOther) -> str:
    fit = seen.other.fits[0]
    told = {
        "known": _("A {name} is here."),
        "likely": _("A satellite terminal is likely here: what answers calls itself {name}."),
        "possible": _("What answers here may be a satellite terminal: {name}."),
    }[fit.certainty.value]
    return told.format(name=_names(seen.other.fits))


def _names(fits: Sequence[Fit]) -> str:
    """Return the models that fit as surely as the surest."""
    best = [fit.terminal.name for fit in fits if fit.certainty is fits[0].certainty]
    return _(" or ").join(best)


def _chain(seen: SeenOther) -> tuple[Point, ...]:
    where = _("answers: at {address}").format(address=seen.other.address)
    if seen.other.interface:
        where += f" ({seen.other.interface})"
    points = [Point(_("+  terminal"), f"{where}; {_shown(seen.other.fits[0])}")]
    if seen.other.router is not None:
        points.append(_dish(seen.other))
    return (*points, Point(_lead(seen) + _("internet"), _internet(seen)))


def _shown(fit: Fit) -> str:
    """Return what the recognition rests on."""
    if "protocol" in fit.evidence:
        return _("it speaks the protocol of Starlink's routers")
    for where, said in (
        ("certificate", _("its certificate names {name}")),
        ("page", _("its page names {name}")),
    ):
        if where in fit.evidence:
            return said.format(name=fit.evidence[where])
    if "round_trip_ms" in fit.evidence:
        return _("round trips are as long as that orbit makes them")
    return _("only the address and a page show it")


def _dish(other: Other) -> Point:
    router = other.router
    if router is None or router.has_dish is None:
        return Point(_("-  dish"), _("not known: the router does not say"))
    if not router.has_dish:
        return Point(_("?  dish"), _("none is plugged in, by the router's word"))
    if router.disabled is not None:
        said = _("behind the router; its operator does not serve it ({word})")
        return Point(_("?  dish"), said.format(word=router.disabled.value.replace("_", " ")))
    told = _("behind the router, by its word")
    if router.pop_ms is not None:
        told += _("; pings to the ground station {ms:.0f} ms").format(ms=router.pop_ms)
    if router.pop_lost is not None:
        told += _(", {share:.0f} % lost").format(share=router.pop_lost * 100)
    return Point(_("+  dish"), told)


def _lead(seen: SeenOther) -> str:
    return "-  " if seen.internet is None else "+  " if seen.carries else "?  "


def _internet(seen: SeenOther) -> str:
    if seen.internet is None:
        return _("not tried")
    if not seen.carries:
        return _("nothing came back: {why}").format(why=reason(seen.internet))
    told = word(seen.internet)
    if seen.too_fast:
        told += _("; but faster than light could by that orbit, so by another line than the terminal's")
    return told
