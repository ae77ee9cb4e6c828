"""The contract between the check and a transport.

A transport tries one option once and writes what happened to ``context.trace``; it decides nothing. It raises
:class:`~circumvent.net.errors.StepFailed` (by way of ``trace.step``) when it can go no further, or
:class:`~circumvent.net.errors.CannotTry` when nothing could be sent. How to add one: ``docs/adding-a-transport``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from circumvent.model.kinds import KINDS

if TYPE_CHECKING:
    import random

    from circumvent.control import ControlPlan
    from circumvent.model.option import Option
    from circumvent.model.words import Proof
    from circumvent.names.plan import NamesPlan
    from circumvent.net.stream import Dialer
    from circumvent.net.tls import TrustStore
    from circumvent.net.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a transport may use in one attempt.

    ``dialer`` is direct, or goes through the option named by ``via``; ``goal`` is ``carried`` or ``sustained``:
    stop there. ``controls`` says what to fetch in this try, and what bulk resource serves ``sustained``;
    ``names`` what to ask a resolver; ``trust`` verifies certificates, at the corrected time. ``idle`` (seconds): once it
    carries, leave the open connection alone for so long and make one more request on it (step ``idle``), where the kind
    knows how. ``watch`` (seconds): over so long a satellite link is watched for loss.
    """

    trace: Trace
    dialer: Dialer
    goal: Proof
    controls: ControlPlan
    names: NamesPlan
    trust: TrustStore
    random: random.Random
    idle: float | None = None
    watch: float = 10.0


class Transport(Protocol):
    """Knows how to try options of its kinds."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Try ``option`` once, up to ``context.goal``, and leave no connection open.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """


@runtime_checkable
class Triggering(Protocol):
    """A transport that has probes known to trigger filters; they run in the second phase."""

    async def trigger(self, option: Option, context: Context) -> None:
        """Run the second-phase probe of ``option`` (plain DNS: canary names in clear)."""


@runtime_checkable
class Carrier(Protocol):
    """A transport whose options can carry others (``via``), and second looks (evidence E3)."""

    def dialer(self, option: Option, context: Context) -> Dialer:
        """Return a dialer that opens streams through ``option``, over ``context.dialer``."""


def load(kind: str) -> Transport:
    """Import the module of ``kind`` and return its ``TRANSPORT``."""
    transport: Transport = importlib.import_module(KINDS[kind].module).TRANSPORT
    return transport
