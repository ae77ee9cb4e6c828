"""The time of day as an HTTP server tells it (RFC 9110, section 6.6.1)."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

#: A Date header names the second that has begun: on average half a second is gone.
HALF: Final = 0.5
_LONGEST: Final = 64


def skew_from(headers: Iterable[tuple[str, str]], local: float) -> float | None:
    """Return how far the local clock is ahead of the server's (seconds), ``None`` if it says nothing usable.

    ``local`` is the local time (seconds since 1970) at which the answer began to arrive.

    >>> skew_from([("Date", "Thu, 01 Jan 1970 00:01:40 GMT")], 160.5)
    60.0
    """
    for name, value in headers:
        if name.lower() == "date" and len(value) <= _LONGEST:
            try:
                return local - (parsedate_to_datetime(value).timestamp() + HALF)
            except (ValueError, OverflowError, OSError):
                return None
    return None
