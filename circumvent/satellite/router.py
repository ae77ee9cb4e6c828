"""What a Starlink router says of the dish behind it: health alone, from the answer to the same question.

Field numbers are those of ``wifi.proto`` (clarkzjw/starlink-grpc-golang, 2026-06). A router of the Mini is the same. Its public
address, the dish's identity and who is in its network are in the same answer, or one request away; none of that is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from circumvent.satellite.dish import Disabled, disablement
from circumvent.satellite.protobuf import Message, ProtobufError
from circumvent.satellite.signs import Signs

#: Where a router answers gRPC, in clear, and its usual address.
ROUTER_PORT: Final = 9000
ROUTER: Final = "192.168.1.1"

# Response
_WIFI_STATUS: Final = 3004
# WifiGetStatusResponse
_DROP_RATE: Final = 1004
_LATENCY: Final = 1005
_DISH_LATENCY: Final = 1013
_POP_DROP_RATE: Final = 1014
_POP_LATENCY: Final = 1015
_DISABLED: Final = 1031
_NO_LINK: Final = 1035


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterStatus:
    """A router's view. Whatever its firmware did not say is ``None``.

    ``dish_ms`` is its round trip to the dish: with one, there is a dish. ``pop_lost`` (0 to 1) and ``pop_ms`` are of pings to the
    point of presence. ``no_link``: nothing is plugged in where the dish should be.
    """

    dish_ms: float | None = None
    pop_ms: float | None = None
    pop_lost: float | None = None
    disabled: Disabled | None = None
    no_link: bool = False

    @property
    def has_dish(self) -> bool | None:
        """Tell whether a dish is behind it; ``None``: it does not say."""
        if self.no_link:
            return False
        return True if self.dish_ms is not None or self.pop_ms is not None else None

    @property
    def signs(self) -> Signs:
        """Return what findings rest on."""
        return Signs(ban=None if self.disabled is None else self.disabled.value, lost=self.pop_lost)


def is_router(answer: bytes) -> bool:
    """Tell whether an answer to ``get_status`` is a router's."""
    try:
        return _WIFI_STATUS in Message(answer)
    except ProtobufError:
        return False


def read_router(answer: bytes) -> RouterStatus | None:
    """Read a router's answer to ``get_status``; ``None`` if it is not a router's."""
    try:
        status = Message(answer).message(_WIFI_STATUS)
    except ProtobufError:
        return None
    if status is None:
        return None
    pop_ms = _positive(status.real(_POP_LATENCY)) or _positive(status.real(_LATENCY))
    said = (
        _POP_DROP_RATE in status or _DROP_RATE in status or pop_ms is None
    )  # a zero is not written (proto3)
    return RouterStatus(
        dish_ms=_positive(status.real(_DISH_LATENCY)),
        pop_ms=pop_ms,
        pop_lost=_share(status.real(_POP_DROP_RATE), status.real(_DROP_RATE)) if said else 0.0,
        disabled=disablement(status.integer(_DISABLED) or 0),
        no_link=bool(status.flag(_NO_LINK)),
    )


def _positive(value: float | None) -> float | None:
    return value if value is not None and 0 < value < 1e6 else None


def _share(*values: float | None) -> float | None:
    return next((value for value in values if value is not None and 0 <= value <= 1), None)
