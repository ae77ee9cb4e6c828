"""Exceptions of the network layer.

::

    NetError                  has a failure string and, where known, a detail for people
    ├── StepFailed            a step of an attempt ended with a failure; carries it whole
    ├── PeerError             the peer answered, and what it said was wrong or a refusal
    │   └── Refusal           a well-formed no: password, parameters, policy
    └── CannotTry             nothing was sent: the option is not_run, with a reason

Everything else that a socket, ``ssl``, ``aioquic``, ``httpx`` or ``dnspython`` raises passes through unchanged
and is put into words in one place, :mod:`circumvent.net.failure`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.record import Failure
    from circumvent.model.words import Reason


class NetError(Exception):
    """Base of all errors raised here. ``error`` is a failure string."""

    def __init__(self, error: str, detail: str | None = None) -> None:
        super().__init__(error if detail is None else f"{error}: {detail}")
        self.error = error
        self.detail = detail


class StepFailed(NetError):
    """A step ended with a failure; the attempt is over. Raised by :meth:`Trace.step` only."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.error, failure.detail)
        self.failure = failure


class PeerError(NetError):
    """The peer answered and the answer was wrong. ``detail`` never holds what the peer sent, unescaped."""


class Refusal(PeerError):
    """The peer said no in the protocol's own words.

    ``authenticated`` tells whether the peer had proved its identity before it refused.
    """

    def __init__(self, error: str, detail: str | None = None, *, authenticated: bool) -> None:
        super().__init__(error, detail)
        self.authenticated = authenticated


class CannotTry(NetError):
    """The option can't be tried here and nothing was sent; ``reason`` becomes the option's."""

    def __init__(self, reason: Reason, detail: str | None = None) -> None:
        super().__init__(reason.value, detail)
        self.reason = reason
