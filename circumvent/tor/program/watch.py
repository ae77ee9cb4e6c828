"""What is seen of a bootstrap, and when it counts as stalled. No clock and no socket of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.model.tor_run import TorOutcome, TorPhase, TorRun
from circumvent.tor.program.control import Bootstrap, Traffic, Version

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.tor.program.control import Said

DONE: Final = 100
#: tor is not waited for any longer when so many tries met an obstacle, and so many seconds brought no progress ...
OBSTACLES: Final = 3
AFTER_OBSTACLES: Final = 5.0
#: ... or when for so many seconds there was no progress and fewer bytes than these came in: at 9 kbit/s the list of the
#: Tor network would take half an hour. A bridge that has none to give refuses again and again, which are bytes too.
QUIET: Final = 15.0
FEW_BYTES: Final = 16 * 1024
#: Phases that are kept; tor has about twenty.
MOST_PHASES: Final = 40


class Watch:
    """The record of one run of tor. Times are seconds from the start of the check."""

    def __init__(self, began: float, on_phase: Callable[[TorPhase], None] | None = None) -> None:
        """Begin at ``began``; each new phase goes to ``on_phase`` as it is reached."""
        self._on_phase = on_phase
        self.outcome = TorOutcome.CUT_OFF
        self.reason: str | None = None
        self.detail: str | None = None
        self.ended: float | None = None
        self._began = began
        self._phases: list[TorPhase] = []
        self._percent = 0
        self._tag: str | None = None
        self._obstacle: str | None = None
        self._met = 0
        self._progress = self._alive = began
        self._alive_at_bytes = 0
        self._traffic = {"read": 0, "written": 0}
        self._version: str | None = None

    @property
    def done(self) -> bool:
        """Tell whether tor reached the Tor network."""
        return self._percent >= DONE

    @property
    def bytes_used(self) -> int:
        """Return the bytes that tor sent and received."""
        return sum(self._traffic.values())

    def take(self, said: Said, now: float) -> None:
        """Take note of what tor said at ``now``."""
        match said:
            case Bootstrap():
                self._take_phase(said, now)
            case Traffic():
                self._traffic[said.direction] = max(self._traffic[said.direction], said.count)
                if self._traffic["read"] - self._alive_at_bytes >= FEW_BYTES:
                    self._alive, self._alive_at_bytes = now, self._traffic["read"]
            case Version():
                self._version = said.text

    def stalled(self, now: float) -> bool:
        """Tell whether there is no point in waiting longer."""
        if self._met >= OBSTACLES and now - self._progress >= AFTER_OBSTACLES:
            return True
        return now - self._alive >= QUIET

    def record(self, now: float) -> TorRun:
        """Return what was seen, as it stands at ``now`` or stood when it ended."""
        return TorRun(
            outcome=self.outcome,
            percent=self._percent,
            tag=self._tag,
            reason=self.reason or (None if self.done else self._obstacle),
            detail=self.detail,
            t0=round(self._began, 3),
            t=round(now if self.ended is None else self.ended, 3),
            phases=tuple(self._phases),
            sent=self._traffic["written"],
            received=self._traffic["read"],
            version=self._version,
        )

    def _take_phase(self, said: Bootstrap, now: float) -> None:
        if said.percent > self._percent or self._tag is None:
            self._percent, self._tag = said.percent, said.tag
            self._progress = self._alive = now
            self._alive_at_bytes = self._traffic["read"]
            self._obstacle, self._met = None, 0
            phase = TorPhase(percent=said.percent, tag=said.tag, t=round(now, 3))
            if len(self._phases) < MOST_PHASES:
                self._phases.append(phase)
            if self._on_phase is not None:
                self._on_phase(phase)
        if said.reason is not None and said.percent == self._percent:
            self._obstacle, self._met = said.reason, max(said.count, self._met)
