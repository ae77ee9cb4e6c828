"""The one translation from exceptions to failure strings."""

from __future__ import annotations

from circumvent.model import failure as failures
from circumvent.model.record import Failure
from circumvent.net.errors import NetError


def translate(exc: BaseException, step: str) -> Failure:
    """Put an exception into words: a failure string, the step and, where it helps, a detail."""
    if isinstance(exc, NetError):
        return Failure(step=step, error=exc.error, detail=exc.detail)
    return Failure(step=step, error=failures.UNKNOWN, detail=type(exc).__name__)
