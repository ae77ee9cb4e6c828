"""The chain from a terminal to the internet: which link holds, which is broken, and what may be the cause. Pure.

Links in their order: ``terminal`` (it answers), ``sky`` (it sees satellites and is served), ``gateway`` (its own pings come
back from the ground), ``internet`` (a control was fetched through it). What lies behind a broken link was not tried.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from circumvent.satellite.dish import Outage
from circumvent.satellite.signs import BAD, HIDDEN, OWN, Signs, causes

if TYPE_CHECKING:
    from circumvent.satellite.dish import DishHistory, DishStatus
    from circumvent.satellite.signs import Found

#: More lost pings than this break the link to the ground: nothing usable passes.
BROKEN: Final = 0.5
#: The fewest readings that a share of lost pings is said of.
ENOUGH: Final = 30


class Link(StrEnum):
    """A link of the chain."""

    TERMINAL = "terminal"
    SKY = "sky"
    GATEWAY = "gateway"
    INTERNET = "internet"


class Health(StrEnum):
    """What is known of a link."""

    GOOD = "good"
    BAD = "bad"
    BROKEN = "broken"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a dish says of its links, and why. ``reason``: the outage or ban that breaks ``sky``."""

    sky: Health
    gateway: Health
    reason: str | None = None
    causes: tuple[Found, ...] = ()

    @property
    def broken(self) -> Link | None:
        """Return the first broken link, as far as the dish can tell."""
        if self.sky is Health.BROKEN:
            return Link.SKY
        return Link.GATEWAY if self.gateway is Health.BROKEN else None


#: Outages in which it looks for satellites and has none.
_SKY: Final = frozenset({Outage.NO_SATS, Outage.OBSTRUCTED, Outage.SKY_SEARCH, Outage.NO_SCHEDULE})


def judge(status: DishStatus, history: DishHistory | None = None) -> Judgement:
    """Judge a dish by what it says of itself."""
    loss = lost_share(status, history)
    sky = _sky(status)
    return Judgement(
        sky=sky,
        gateway=_gateway(status, loss, sky),
        reason=_reason(status) if sky is Health.BROKEN else None,
        causes=causes(signs_of(status, history)),
    )


def signs_of(status: DishStatus, history: DishHistory | None = None) -> Signs:
    """Return what findings about a dish rest on."""
    return Signs(
        ban=None if status.disabled is None else status.disabled.value,
        outage=None if status.outage is None else status.outage.value,
        stowed=status.stowed,
        obstructed=status.obstructed,
        obstructed_now=status.obstructed_now,
        gps_valid=status.gps_valid,
        gps_sats=status.gps_satellites,
        gps_inhibited=status.gps_inhibited,
        gps_waited=status.gps_waited,
        lost=lost_share(status, history),
        seconds=None if history is None else history.seconds,
    )


def lost_share(status: DishStatus, history: DishHistory | None) -> float | None:
    """Return the share of lost pings: of the history where it is long enough, else of this moment."""
    if history is not None and history.seconds >= ENOUGH:
        return history.lost / history.seconds
    return status.drop_rate


def _sky(status: DishStatus) -> Health:
    if status.disabled is not None or status.stowed or status.outage in OWN | _SKY:
        return Health.BROKEN
    if status.obstructed is not None and status.obstructed > HIDDEN:
        return Health.BAD
    return Health.BAD if status.signal_low or status.alerts else Health.GOOD


def _gateway(status: DishStatus, loss: float | None, sky: Health) -> Health:
    if sky is Health.BROKEN:
        return Health.UNKNOWN
    if status.outage is not None:  # NO_DOWNLINK, NO_PINGS, or one that it has no word for
        return Health.BROKEN
    if loss is None:
        return Health.UNKNOWN
    if loss > BROKEN:
        return Health.BROKEN
    return Health.BAD if loss > BAD else Health.GOOD


def _reason(status: DishStatus) -> str:
    if status.disabled is not None:
        return status.disabled.value
    return Outage.STOWED.value if status.stowed or status.outage is None else status.outage.value
