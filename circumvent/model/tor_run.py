"""What tor itself made of a bridge (``--with-tor``): what was seen of it, and no verdict."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class TorOutcome(StrEnum):
    """How a run of tor ended."""

    #: It built a circuit through the Tor network: 100 %.
    DONE = "done"
    #: It came no further, and named a reason several times, or nothing came in for a long while.
    STALLED = "stalled"
    #: Deadline, budget or Ctrl-C ended it on the way: that says nothing.
    CUT_OFF = "cut_off"
    #: The program ended by itself, or would not be spoken to: that says nothing of the bridge.
    BROKEN = "broken"
    #: It was not started with this bridge; ``reason`` says why.
    NOT_RUN = "not_run"


class TorPhase(msgspec.Struct, frozen=True, kw_only=True):
    """A phase of tor's bootstrap: percent and tag as tor has them; ``t``: seconds from the start of the check."""

    percent: int
    tag: str
    t: float


class TorRun(msgspec.Struct, frozen=True, kw_only=True):
    """tor, started with one bridge alone: the phases that it reached, and how it ended.

    ``t0`` and ``t`` are seconds from the start of the check. ``reason`` is tor's own word for what it met last
    (``CONNECTREFUSED``, ``IDENTITY``, ...), or why it ended or was not started, as options have it. ``sent`` and
    ``received`` are bytes as tor counts them, a little of it between tor and us.
    """

    outcome: TorOutcome
    percent: int = 0
    tag: str | None = None
    reason: str | None = None
    detail: str | None = None
    t0: float = 0.0
    t: float = 0.0
    phases: tuple[TorPhase, ...] = ()
    sent: int = 0
    received: int = 0
    version: str | None = None

    @property
    def beyond_the_bridge(self) -> bool:
        """Tell whether the bridge had answered tor, and what is missing lies beyond it."""
        return self.percent >= ANSWERED


#: The percentage from which on the bridge itself has answered: its handshake is done, directory data is asked for.
ANSWERED = 25
