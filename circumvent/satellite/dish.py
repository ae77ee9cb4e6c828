"""What a Starlink dish says of itself: the request for its status, and what of the answer is kept.

Field numbers are those of the dish's own reflection (``SpaceX.API.Device``: ``device.proto``, ``dish.proto``, as collected
by clarkzjw/starlink-grpc-golang, 2026-06). Only health is read. Its identity, its version, its position and where it points
are in the same answers, or one request away; none of that is looked at, and no request that changes a thing is written
here: two numbers are the whole of what can be asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from circumvent.satellite.protobuf import Message, ProtobufError, write_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

#: ``Request``: ``get_status``, ``get_history``.
GET_STATUS: Final = write_empty(1004)
GET_HISTORY: Final = write_empty(1007)

# Response
_STATUS: Final = 2
_DISH_STATUS: Final = 2004
_DISH_HISTORY: Final = 2006
# DishGetStatusResponse
_DROP_RATE: Final = 1003
_OBSTRUCTION: Final = 1004
_ALERTS: Final = 1005
_LATENCY: Final = 1009
_STOW_REQUESTED: Final = 1010
_OUTAGE: Final = 1014
_GPS: Final = 1015
_ABOVE_NOISE: Final = 1018
_SIGNAL_LOW: Final = 1022
_DISABLED: Final = 1024
_CELL_DISABLED: Final = 1029
# DishObstructionStats
_FRACTION: Final = 1
_OBSTRUCTED_SECONDS: Final = 4
_OBSTRUCTED_NOW: Final = 5
# DishGpsStats
_GPS_VALID: Final = 1
_GPS_SATELLITES: Final = 2
_GPS_NONE: Final = 3
_GPS_INHIBITED: Final = 4
# DishGetHistoryResponse
_CURRENT: Final = 1
_DROPS: Final = 1001
_LATENCIES: Final = 1002

#: Seconds of the history that are looked at: the last two minutes, one reading a second.
RECENT: Final = 120


class Outage(StrEnum):
    """Why a dish has no connection, in its own words (``DishOutage.Cause``)."""

    UNKNOWN = "unknown"
    BOOTING = "booting"
    STOWED = "stowed"
    THERMAL_SHUTDOWN = "thermal_shutdown"
    NO_SCHEDULE = "no_schedule"
    NO_SATS = "no_sats"
    OBSTRUCTED = "obstructed"
    NO_DOWNLINK = "no_downlink"
    NO_PINGS = "no_pings"
    ACTUATOR_ACTIVITY = "actuator_activity"
    CABLE_TEST = "cable_test"
    SLEEPING = "sleeping"
    SKY_SEARCH = "sky_search"
    INHIBIT_RF = "inhibit_rf"


_OUTAGES: Final = {
    0: Outage.UNKNOWN,
    1: Outage.BOOTING,
    2: Outage.STOWED,
    3: Outage.THERMAL_SHUTDOWN,
    4: Outage.NO_SCHEDULE,
    5: Outage.NO_SATS,
    6: Outage.OBSTRUCTED,
    7: Outage.NO_DOWNLINK,
    8: Outage.NO_PINGS,
    9: Outage.ACTUATOR_ACTIVITY,
    10: Outage.CABLE_TEST,
    11: Outage.SLEEPING,
    13: Outage.SKY_SEARCH,
    14: Outage.INHIBIT_RF,
}


class Disabled(StrEnum):
    """Why the operator serves a terminal not (``UtDisablementCode``)."""

    NO_ACTIVE_ACCOUNT = "no_active_account"
    TOO_FAR = "too_far_from_service_address"
    IN_OCEAN = "in_ocean"
    BLOCKED_COUNTRY = "blocked_country"
    DATA_OVERAGE = "data_overage"
    CELL_DISABLED = "cell_is_disabled"
    ROAMING = "roam_restricted"
    UNKNOWN_LOCATION = "unknown_location"
    ACCOUNT_DISABLED = "account_disabled"
    UNSUPPORTED_VERSION = "unsupported_version"
    TOO_FAST = "moving_too_fast"
    AVIATION = "under_aviation_flyover_limits"
    BLOCKED_AREA = "blocked_area"
    OTHER = "other"


#: 0 is "unknown" and 1 "okay": nothing is said against the terminal.
_SERVED: Final = frozenset({0, 1})
_DISABLEMENTS: Final = {
    2: Disabled.NO_ACTIVE_ACCOUNT,
    3: Disabled.TOO_FAR,
    4: Disabled.IN_OCEAN,
    6: Disabled.BLOCKED_COUNTRY,
    7: Disabled.DATA_OVERAGE,
    8: Disabled.CELL_DISABLED,
    10: Disabled.ROAMING,
    11: Disabled.UNKNOWN_LOCATION,
    12: Disabled.ACCOUNT_DISABLED,
    13: Disabled.UNSUPPORTED_VERSION,
    14: Disabled.TOO_FAST,
    15: Disabled.AVIATION,
    16: Disabled.BLOCKED_AREA,
}
#: Alerts that tell of health (``DishAlerts``); the others tell where a terminal is, or what it is part of.
_HEALTH: Final = {
    1: "motors_stuck",
    2: "thermal_shutdown",
    3: "thermal_throttle",
    5: "mast_not_near_vertical",
    6: "slow_ethernet_speeds",
    10: "power_supply_thermal_throttle",
    17: "lower_signal_than_predicted",
    18: "slow_ethernet_speeds_100",
    20: "water_detected",
    23: "no_ethernet_link",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DishStatus:
    """A dish's health. Whatever its firmware did not say is ``None``.

    ``drop_rate`` (0 to 1) and ``latency_ms`` are of its own pings to the point of presence: by way of satellite and
    ground station. ``obstructed`` is the share of the sky that is hidden, ``obstruction_hours`` over how long that was
    measured. ``gps_waited``: after the time that a fix takes there was still no satellite of positioning.
    """

    outage: Outage | None = None
    disabled: Disabled | None = None
    alerts: tuple[str, ...] = ()
    stowed: bool = False
    drop_rate: float | None = None
    latency_ms: float | None = None
    obstructed: float | None = None
    obstructed_now: bool | None = None
    obstruction_hours: float | None = None
    gps_valid: bool | None = None
    gps_satellites: int | None = None
    gps_inhibited: bool = False
    gps_waited: bool = False
    signal: bool | None = None
    signal_low: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DishHistory:
    """A dish's pings of the last minutes: how many there were, how many were lost, the median of the others."""

    seconds: int
    lost: int
    latency_ms: float | None


def is_dish(answer: bytes) -> bool:
    """Tell whether an answer to :data:`GET_STATUS` is a dish's."""
    try:
        return _DISH_STATUS in Message(answer)
    except ProtobufError:
        return False


def read_status(answer: bytes) -> DishStatus | None:
    """Read the answer to :data:`GET_STATUS`; ``None`` if it is not a dish's."""
    try:
        status = Message(answer).message(_DISH_STATUS)
    except ProtobufError:
        return None
    if status is None:
        return None
    outage, gps, obstruction = status.message(_OUTAGE), status.message(_GPS), status.message(_OBSTRUCTION)
    alerts = status.message(_ALERTS)
    latency = _positive(status.real(_LATENCY))
    none_lost = latency is not None and _DROP_RATE not in status  # a zero is not written (proto3)
    return DishStatus(
        outage=None if outage is None else _OUTAGES.get(outage.integer(1) or 0, Outage.UNKNOWN),
        disabled=_disabled(status),
        alerts=() if alerts is None else tuple(name for bit, name in _HEALTH.items() if alerts.flag(bit)),
        stowed=bool(status.flag(_STOW_REQUESTED)),
        drop_rate=0.0 if none_lost else _share(status.real(_DROP_RATE)),
        latency_ms=latency,
        obstructed=None if obstruction is None else _share(obstruction.real(_FRACTION) or 0.0),
        obstructed_now=None if obstruction is None else bool(obstruction.flag(_OBSTRUCTED_NOW)),
        obstruction_hours=None if obstruction is None else _hours(obstruction.real(_OBSTRUCTED_SECONDS)),
        gps_valid=None if gps is None else bool(gps.flag(_GPS_VALID)),
        gps_satellites=None if gps is None else gps.integer(_GPS_SATELLITES) or 0,
        gps_inhibited=gps is not None and bool(gps.flag(_GPS_INHIBITED)),
        gps_waited=gps is not None and bool(gps.flag(_GPS_NONE)),
        signal=status.flag(_ABOVE_NOISE),
        signal_low=bool(status.flag(_SIGNAL_LOW)),
    )


def read_history(answer: bytes, recent: int = RECENT) -> DishHistory | None:
    """Read the answer to :data:`GET_HISTORY`: the last ``recent`` seconds; ``None`` if it has none.

    The dish keeps a ring of one reading a second; ``current`` counts all readings, so the last stands before it.
    """
    try:
        history = Message(answer).message(_DISH_HISTORY)
    except ProtobufError:
        return None
    drops = [] if history is None else history.reals(_DROPS)
    if history is None or not drops:
        return None
    current = history.integer(_CURRENT) or 0
    taken = _recent(drops, current, recent)
    latencies = sorted(one for one in _recent(history.reals(_LATENCIES), current, recent) if one > 0)
    return DishHistory(
        seconds=len(taken),
        lost=round(sum(min(max(one, 0.0), 1.0) for one in taken)),
        latency_ms=latencies[(len(latencies) - 1) // 2] if latencies else None,
    )


def _recent(ring: Sequence[float], current: int, recent: int) -> list[float]:
    if not ring:
        return []
    count = min(recent, len(ring), current)
    return [ring[(current - 1 - back) % len(ring)] for back in range(count)]


def disablement(code: int) -> Disabled | None:
    """Return why a terminal is not served, by its code; ``None``: nothing is said against it."""
    return None if code in _SERVED else _DISABLEMENTS.get(code, Disabled.OTHER)


def _disabled(status: Message) -> Disabled | None:
    found = disablement(status.integer(_DISABLED) or 0)
    if found is None and status.flag(_CELL_DISABLED):
        return Disabled.CELL_DISABLED
    return found


def _share(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= 1 else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0 < value < 1e6 else None


def _hours(seconds: float | None) -> float | None:
    found = _positive(seconds)
    return None if found is None else found / 3600
