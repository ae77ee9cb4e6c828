"""``--with-tor``: tor itself, started with the best bridges of this check, as a second and independent witness.

One bridge at a time, and a new tor for each, so that what comes of it is said of that bridge. The first that leads to
the Tor network ends it. What tor says stands beside the option and changes no verdict.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.check.pace import is_bridge
from circumvent.check.settings import SettingsError
from circumvent.convert.bridges import bridge_line
from circumvent.model.tor_run import TorOutcome, TorRun
from circumvent.model.words import Reason
from circumvent.rank.order import in_order
from circumvent.tor.program.find import SPEAKERS, Programs, find_programs
from circumvent.tor.program.run import Order, run_tor
from circumvent.tor.program.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from circumvent.check.settings import CheckSettings
    from circumvent.model.option import Option
    from circumvent.model.tor_run import TorPhase
    from circumvent.rank.order import Candidate

#: Bridges that tor is started with, at most; each costs seconds, and megabytes if it works.
MOST: Final = 3
#: Fewer bytes than this are not begun with: even a small consensus would not fit.
LEAST_BYTES: Final = 100_000
NO_TOR: Final = "--with-tor: there is no program tor on this device. Install it, or leave --with-tor out"
NO_BRIDGE: Final = (
    "--with-tor: none of what is checked is a Tor bridge that tor can use. Name one, or leave --with-tor out"
)
NO_SPEAKER: Final = (
    "--with-tor: tor needs another program for these bridges ({names}), and there is none on this device"
)
ONE_INTERFACE: Final = "--with-tor: tor can't be held to one interface. Leave --interface or --with-tor out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """What tor is told of an option, or why it can't be started with it."""

    line: str = field(default="", repr=False)
    speaker: str | None = None
    reason: Reason | None = None
    detail: str | None = None


def programs_for(settings: CheckSettings, options: Sequence[Option]) -> Programs | None:
    """Return the programs that ``--with-tor`` needs; ``None`` where it was not asked for.

    :raises SettingsError: when it can't be done at all; nothing was sent then.
    """
    if not settings.with_tor:
        return None
    if settings.interface is not None:
        raise SettingsError(ONE_INTERFACE)
    programs = find_programs()
    if programs.tor is None:
        raise SettingsError(NO_TOR)
    found = [usable(option, programs, system_dns=True) for option in options if is_candidate(option)]
    if any(one.reason is None for one in found):
        return programs
    missing = sorted({one.detail for one in found if one.reason is Reason.MISSING_EXTRA and one.detail})
    raise SettingsError(NO_SPEAKER.format(names=", ".join(missing)) if missing else NO_BRIDGE)


def is_candidate(option: Option) -> bool:
    """Tell whether tor may be started with an option: a bridge. The catalogue's plain relays are none."""
    return is_bridge(option) and not option.baseline and (option.held_by_user or option.kind != "tor")


def usable(option: Option, programs: Programs, *, system_dns: bool) -> Usable:
    """Return what tor is told of an option.

    The programs that tor starts ask this system's resolver for names; those of the user's are not shown to it.
    """
    line = None if option.via is not None else bridge_line(option)
    if line is None:
        return Usable(reason=Reason.UNSUPPORTED, detail="tor can't be given this option")
    transport = line.partition(" ")[0]
    if transport != "Bridge" and transport not in SPEAKERS:
        return Usable(reason=Reason.UNSUPPORTED, detail=f"tor has no program for {transport}")
    speaker = programs.transports.get(transport)
    if transport != "Bridge" and speaker is None:
        return Usable(reason=Reason.MISSING_EXTRA, detail=" or ".join(SPEAKERS[transport]))
    if option.held_by_user and not option.endpoint.literal and not system_dns:
        return Usable(reason=Reason.NAME_PRIVATE, detail="--system-dns allows it")
    return Usable(line=line, speaker=speaker)


class WithTor:
    """Runs tor with the best bridges; :meth:`runs` has what came of it at any time, by option."""

    def __init__(
        self,
        programs: Programs | None,
        *,
        system_dns: bool,
        now: Callable[[], float],
        tell: Callable[[str, TorPhase | None], None] | None = None,
    ) -> None:
        """Prepare; nothing is ever started where ``programs`` is ``None``.

        ``tell`` hears of each beginning (without a phase) and each phase, by option.
        """
        self._tell = tell
        self._programs = programs
        self._system_dns = system_dns
        self._now = now
        self._watches: dict[str, Watch] = {}
        self._left_out: dict[str, TorRun] = {}

    @property
    def bytes_sent(self) -> int:
        """Return the bytes that tor sent so far."""
        return sum(watch.record(0.0).sent for watch in self._watches.values())

    @property
    def bytes_received(self) -> int:
        """Return the bytes that tor received so far."""
        return sum(watch.record(0.0).received for watch in self._watches.values())

    def runs(self, ended_by: Reason | None = None) -> Mapping[str, TorRun]:
        """Return the runs as they stand; one that was cut off was ended by ``ended_by``."""
        now = self._now()
        for watch in self._watches.values():
            if watch.outcome is TorOutcome.CUT_OFF and watch.reason is None and ended_by is not None:
                watch.reason = ended_by.value
        return {**self._left_out, **{name: watch.record(now) for name, watch in self._watches.items()}}

    async def run(
        self, options: Iterable[Option], candidates: Iterable[Candidate], *, bytes_left: Callable[[], int]
    ) -> None:
        """Start tor with one bridge after the other, those that carried first, until one leads to the Tor network."""
        if self._programs is None or self._programs.tor is None:
            return
        for option in chosen(options, candidates):
            if len(self._watches) >= MOST:
                return
            told = usable(option, self._programs, system_dns=self._system_dns)
            if told.reason is None and bytes_left() < LEAST_BYTES:
                told = Usable(reason=Reason.BUDGET)
            if told.reason is not None:
                self._left_out[option.id] = TorRun(
                    outcome=TorOutcome.NOT_RUN,
                    reason=told.reason.value,
                    detail=told.detail,
                    t0=round(self._now(), 3),
                    t=round(self._now(), 3),
                )
                continue
            watch = self._watches[option.id] = Watch(self._now(), self._telling(option.id))
            order = Order(
                tor=self._programs.tor, line=told.line, speaker=told.speaker, most_bytes=bytes_left()
            )
            await run_tor(order, watch, self._now)
            if watch.outcome is TorOutcome.DONE:
                return

    def _telling(self, option_id: str) -> Callable[[TorPhase], None] | None:
        tell = self._tell
        if tell is None:
            return None
        tell(option_id, None)
        return lambda phase: tell(option_id, phase)


def chosen(options: Iterable[Option], candidates: Iterable[Candidate]) -> list[Option]:
    """Return the bridges to start tor with: those that carried, best first; if none did, all that were asked for."""
    bridges = {option.id: option for option in options if is_candidate(option)}
    carried = [bridges[one.id] for one in in_order(candidates) if one.id in bridges]
    return carried or list(bridges.values())
