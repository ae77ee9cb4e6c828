"""What a check tells while it runs. Values only; the last one holds the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from circumvent.model.report import Finding, Network, OptionReport, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The check begins: the options as they stand (all undecided but those that can't be tried)."""

    options: tuple[OptionReport, ...]
    deadline_s: float
    max_bytes: int
    interface: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDecided:
    """What kind of network this is; told again when the state, IPv4, IPv6 or UDP is seen otherwise."""

    network: Network
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted:
    """An option is being tried, or waits for its turn at a socket. ``option`` is its id."""

    option: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFinished:
    """One try of one option ended. ``option`` is its id, ``at`` seconds from the start."""

    option: str
    attempt: Attempt
    at: float
    bytes_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionDecided:
    """An option has a verdict; told again when a further try changed it."""

    option: OptionReport
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSeen:
    """The network does something."""

    finding: Finding
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TorSeen:
    """tor itself (``--with-tor``) began with a bridge (``tag`` is ``None``), or reached a phase. ``option`` is its id."""

    option: str
    percent: int
    tag: str | None
    at: float
    bytes_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The check is over."""

    report: Report


Event = (
    Started
    | StateDecided
    | AttemptStarted
    | AttemptFinished
    | OptionDecided
    | FindingSeen
    | TorSeen
    | Finished
)
