"""The chain from a terminal to the internet: which link holds, which is broken, and what may be the cause. Pure.

Links in their order: ``terminal`` (it answers), ``sky`` (it sees satellites and is served), ``gateway`` (its own pings come
back from the ground), ``internet`` (a control was fetched through it). What lies behind a broken link was not tried.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from circumvent.satellite.dish import Disabled, Outage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.satellite.dish import DishHistory, DishStatus

Fact = float | int | str | bool

#: More lost pings than this break the link to the ground: nothing usable passes.
BROKEN: Final = 0.5
#: More than this is a bad link, and a reason to look for its cause.
BAD: Final = 0.1
#: A larger share of hidden sky explains a bad link.
HIDDEN: Final = 0.02
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


class Cause(StrEnum):
    """A finding about a satellite link (``docs/verdicts.rst``)."""

    GPS_DENIED = "gps_denied"
    JAMMING_SUSPECTED = "jamming_suspected"
    NO_SERVICE_HERE = "no_service_here"
    ACCOUNT_INACTIVE = "account_inactive"
    OBSTRUCTED = "obstructed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A cause, with what shows it (key and value, for the report), and how sure it is (0 to 1)."""

    cause: Cause
    confidence: float
    evidence: Mapping[str, Fact] = field(default_factory=dict)


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


#: Outages in which the antenna itself is the matter, so nothing is learned of satellites.
_OWN: Final = frozenset(
    {
        Outage.BOOTING,
        Outage.STOWED,
        Outage.THERMAL_SHUTDOWN,
        Outage.ACTUATOR_ACTIVITY,
        Outage.CABLE_TEST,
        Outage.SLEEPING,
        Outage.INHIBIT_RF,
    }
)
#: Outages in which it looks for satellites and has none.
_SKY: Final = frozenset({Outage.NO_SATS, Outage.OBSTRUCTED, Outage.SKY_SEARCH, Outage.NO_SCHEDULE})
#: Bans that are the account's, and those that are the place's.
_ACCOUNT: Final = frozenset(
    {
        Disabled.NO_ACTIVE_ACCOUNT,
        Disabled.ACCOUNT_DISABLED,
        Disabled.DATA_OVERAGE,
        Disabled.UNSUPPORTED_VERSION,
    }
)
_PLACE: Final = frozenset(
    {
        Disabled.TOO_FAR,
        Disabled.IN_OCEAN,
        Disabled.BLOCKED_COUNTRY,
        Disabled.CELL_DISABLED,
        Disabled.ROAMING,
        Disabled.UNKNOWN_LOCATION,
        Disabled.BLOCKED_AREA,
    }
)


def judge(status: DishStatus, history: DishHistory | None = None) -> Judgement:
    """Judge a dish by what it says of itself."""
    loss = lost_share(status, history)
    sky = _sky(status)
    return Judgement(
        sky=sky,
        gateway=_gateway(status, loss, sky),
        reason=_reason(status) if sky is Health.BROKEN else None,
        causes=tuple(_causes(status, loss)),
    )


def lost_share(status: DishStatus, history: DishHistory | None) -> float | None:
    """Return the share of lost pings: of the history where it is long enough, else of this moment."""
    if history is not None and history.seconds >= ENOUGH:
        return history.lost / history.seconds
    return status.drop_rate


def _sky(status: DishStatus) -> Health:
    if status.disabled is not None or status.stowed or status.outage in _OWN | _SKY:
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


def _causes(status: DishStatus, loss: float | None) -> list[Found]:
    found = []
    if status.disabled in _ACCOUNT:
        found.append(
            Found(cause=Cause.ACCOUNT_INACTIVE, confidence=0.95, evidence={"said": status.disabled.value})
        )
    if status.disabled in _PLACE:
        found.append(
            Found(cause=Cause.NO_SERVICE_HERE, confidence=0.95, evidence={"said": status.disabled.value})
        )
    hidden = status.obstructed is not None and status.obstructed > HIDDEN
    if hidden or status.outage is Outage.OBSTRUCTED or status.obstructed_now:
        found.append(Found(cause=Cause.OBSTRUCTED, confidence=0.9, evidence=_sky_evidence(status)))
    # A dish that is off, moving or banned has no fix for reasons of its own.
    if status.disabled is not None or status.stowed or status.outage in _OWN:
        return found
    denied = status.gps_valid is False and not status.gps_inhibited
    if denied:
        found.append(Found(cause=Cause.GPS_DENIED, confidence=0.7, evidence=_gps_evidence(status)))
    clear = not (hidden or status.obstructed_now or status.outage is Outage.OBSTRUCTED)
    if denied and clear and loss is not None and loss > BAD:
        evidence = _gps_evidence(status) | _sky_evidence(status) | {"lost": round(loss, 2)}
        found.append(Found(cause=Cause.JAMMING_SUSPECTED, confidence=0.6, evidence=evidence))
    return found


def _gps_evidence(status: DishStatus) -> dict[str, Fact]:
    found: dict[str, Fact] = {"gps_valid": False}
    if status.gps_satellites is not None:
        found["gps_sats"] = status.gps_satellites
    return found


def _sky_evidence(status: DishStatus) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    if status.obstructed is not None:
        found["obstructed"] = round(status.obstructed, 4)
    if status.obstructed_now is not None:
        found["obstructed_now"] = status.obstructed_now
    if status.outage is Outage.OBSTRUCTED:
        found["said"] = status.outage.value
    return found
