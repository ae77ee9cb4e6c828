"""What a dish says of itself, and what may be the cause of its trouble: the findings about a satellite link. Pure.

The same function judges an answer that has just come and the record of it in a report that is years old: :class:`Signs`
are made of either. A cause is found only where what it rests on was said; what a firmware leaves out shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from circumvent.model.report import confidence_of
from circumvent.model.words import FindingKind

if TYPE_CHECKING:
    from collections.abc import Mapping

Fact = float | int | str | bool

#: More lost pings than this are a bad link, and a reason to look for its cause.
BAD: Final = 0.1
#: A larger share of hidden sky explains a bad link.
HIDDEN: Final = 0.02
#: A dish that has kept its record for so many seconds has had the time to find its place.
SETTLED: Final = 120
#: Codes for why an operator serves a terminal not: those that are the account's, and those that are the place's.
ACCOUNT: Final = frozenset({"no_active_account", "account_disabled", "data_overage"})
PLACE: Final = frozenset(
    {
        "too_far_from_service_address",
        "in_ocean",
        "blocked_country",
        "cell_is_disabled",
        "roam_restricted",
        "unknown_location",
        "blocked_area",
    }
)
#: Outages in which the antenna itself is the matter, so nothing is learned of satellites.
OWN: Final = frozenset(
    {
        "booting",
        "stowed",
        "thermal_shutdown",
        "actuator_activity",
        "cable_test",
        "sleeping",
        "inhibit_rf",
    }
)
_NO_PLACE: Final = "unknown_location"
_OBSTRUCTED: Final = "obstructed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What findings rest on. ``None``: not said.

    ``ban`` is why the operator serves it not, ``outage`` why it has no connection. ``lost`` is the share of its own pings
    that were lost, over ``seconds`` of its record (``None``: at this moment). ``gps_waited``: it has looked long enough for
    satellites of positioning, and there are none.
    """

    ban: str | None = None
    outage: str | None = None
    stowed: bool = False
    obstructed: float | None = None
    obstructed_now: bool | None = None
    gps_valid: bool | None = None
    gps_sats: int | None = None
    gps_inhibited: bool = False
    gps_waited: bool = False
    lost: float | None = None
    seconds: int | None = None

    @property
    def idle(self) -> bool:
        """Tell whether it is off, moving or banned: then it has no position and no pings for reasons of its own."""
        banned = self.ban is not None and self.ban != _NO_PLACE
        return banned or self.stowed or self.outage in OWN

    @property
    def hidden(self) -> bool | None:
        """Tell whether something stands in the sky's way; ``None``: it does not say."""
        if self.outage == _OBSTRUCTED or self.obstructed_now:
            return True
        return None if self.obstructed is None else self.obstructed > HIDDEN

    @property
    def gps_denied(self) -> bool | None:
        """Tell whether it finds no position though it looks for it; ``None``: it does not say, or has no reason to look."""
        if self.gps_valid is None or self.gps_inhibited or self.idle:
            return None
        return not self.gps_valid

    @property
    def jammed(self) -> bool | None:
        """Tell whether it has the marks of jamming: no position, lost pings, a clear sky; ``None``: one is not known."""
        marks = (self.gps_denied, None if self.lost is None else self.lost > BAD, self.clear)
        if False in marks:
            return False
        return None if None in marks else True

    @property
    def clear(self) -> bool | None:
        """Tell whether the sky is known to be free."""
        return None if self.hidden is None else not self.hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A cause: what shows it (key and value), and which other explanations are ruled out, which not."""

    cause: FindingKind
    evidence: Mapping[str, Fact] = field(default_factory=dict)
    alternatives: Mapping[str, bool] = field(default_factory=dict)

    @property
    def confidence(self) -> float:
        """Return how sure it is: 0.95 with every other explanation ruled out, less with those that remain."""
        return confidence_of(sum(not out for out in self.alternatives.values())) or 0.0


def causes(signs: Signs) -> tuple[Found, ...]:
    """Return what may be the matter with a satellite link; nothing to which too much else remains."""
    found = (_account(signs), _place(signs), _obstruction(signs), _gps(signs), _jamming(signs))
    return tuple(one for one in found if one is not None and one.confidence)


def _account(signs: Signs) -> Found | None:
    if signs.ban not in ACCOUNT or signs.ban is None:
        return None
    return Found(
        cause=FindingKind.ACCOUNT_INACTIVE,
        evidence={"said": signs.ban},
        alternatives={"a place that is not served": True},
    )


def _place(signs: Signs) -> Found | None:
    if signs.ban not in PLACE or signs.ban is None:
        return None
    lost_place = signs.ban == _NO_PLACE
    if lost_place and signs.gps_denied:
        return None  # nobody knows where it is, itself least of all: that is no word on the place
    return Found(
        cause=FindingKind.NO_SERVICE_HERE,
        evidence={"said": signs.ban},
        alternatives={
            "an account that is switched off": True,
            "no position": not lost_place or bool(signs.gps_valid),
        },
    )


def _obstruction(signs: Signs) -> Found | None:
    if not signs.hidden:
        return None
    return Found(
        cause=FindingKind.OBSTRUCTED,
        evidence=_sky(signs),
        alternatives={
            "a sky that it remembers from another place": signs.outage == _OBSTRUCTED
            or bool(signs.obstructed_now)
        },
    )


def _gps(signs: Signs) -> Found | None:
    if not signs.gps_denied:
        return None
    settled = signs.gps_waited or (signs.seconds or 0) >= SETTLED
    return Found(
        cause=FindingKind.GPS_DENIED,
        evidence=_position(signs),
        alternatives={
            "switched off by its owner": True,
            "a dish that has just started": settled,
            "a roof above it": bool(signs.clear),
            "a broken receiver": False,
        },
    )


def _jamming(signs: Signs) -> Found | None:
    if not signs.jammed or signs.lost is None:
        return None
    evidence = _position(signs) | _sky(signs) | {"lost": round(signs.lost, 2)}
    return Found(
        cause=FindingKind.JAMMING_SUSPECTED,
        evidence=evidence,
        alternatives={"something in the sky's way": True, "an outage": False, "a broken terminal": False},
    )


def _position(signs: Signs) -> dict[str, Fact]:
    found: dict[str, Fact] = {"gps_valid": False}
    if signs.gps_sats is not None:
        found["gps_sats"] = signs.gps_sats
    return found


def _sky(signs: Signs) -> dict[str, Fact]:
    found: dict[str, Fact] = {}
    if signs.obstructed is not None:
        found["obstructed"] = round(signs.obstructed, 4)
    if signs.obstructed_now is not None:
        found["obstructed_now"] = signs.obstructed_now
    if signs.outage == _OBSTRUCTED:
        found["said"] = _OBSTRUCTED
    return found


def detail_of(signs: Signs) -> dict[str, Any]:
    """Return the signs as details of the step ``sky``; what was not said is left out."""
    found = {
        "ban": signs.ban,
        "outage": signs.outage,
        "stowed": signs.stowed or None,
        "obstructed": None if signs.obstructed is None else round(signs.obstructed, 4),
        "obstructed_now": signs.obstructed_now,
        "gps_valid": signs.gps_valid,
        "gps_sats": signs.gps_sats,
        "gps_inhibited": signs.gps_inhibited or None,
        "gps_waited": signs.gps_waited or None,
        "loss": None if signs.lost is None else round(signs.lost, 3),
        "seconds": signs.seconds,
    }
    return {key: value for key, value in found.items() if value is not None}


def read_detail(detail: Mapping[str, Any]) -> Signs:
    """Return the signs that the details of a step ``sky`` hold; what has another type than it must is passed over."""
    return Signs(
        ban=_word(detail.get("ban")),
        outage=_word(detail.get("outage")),
        stowed=detail.get("stowed") is True,
        obstructed=_share(detail.get("obstructed")),
        obstructed_now=_flag(detail.get("obstructed_now")),
        gps_valid=_flag(detail.get("gps_valid")),
        gps_sats=_count(detail.get("gps_sats")),
        gps_inhibited=detail.get("gps_inhibited") is True,
        gps_waited=detail.get("gps_waited") is True,
        lost=_share(detail.get("loss")),
        seconds=_count(detail.get("seconds")),
    )


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and len(value) <= 40 else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _share(value: Any) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**6 else None
