"""Progress as lines, one an event, its second in front: for files, pipes and screen readers."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Final

from circumvent.check.events import (
    AttemptFinished,
    FindingSeen,
    Finished,
    OptionDecided,
    Started,
    StateDecided,
    TorSeen,
)
from circumvent.cli.terminal import forget
from circumvent.model.words import NetworkState, Status
from circumvent.say.names import Names
from circumvent.say.network import NO_WAY_OUT, finding_short, line_facts, seen_so_far
from circumvent.say.reasons import reason
from circumvent.say.sums import asked_for, carries, tally
from circumvent.say.with_tor import progress
from circumvent.say.words import kilobytes, milliseconds, state_sentence, status_word, word
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.check.events import Event
    from circumvent.model.report import OptionReport

#: Seconds between two counts.
COUNTS_EVERY: Final = 5.0
#: Lines about single options; a long list would be noise.
MOST: Final = 40
#: Verdicts that have a line of their own, beside what works.
_TOLD: Final = frozenset({Status.REFUSED, Status.BLOCKED})


class Lines:
    """Writes a line for each event that people care for."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._names = Names(())
        self._total = 0
        self._decided: set[str] = set()
        self._told = 0
        self._state: NetworkState | None = None
        self._counts_at = COUNTS_EVERY

    def take(self, event: Event) -> None:
        """Write what an event has to say."""
        match event:
            case Started():
                self._names = Names(event.options)
                self._total = len(event.options)
                most = kilobytes(event.max_bytes)
                self._say(0.0, f"checking {_options(self._total)}, at most {event.deadline_s:g} s and {most}")
            case StateDecided():
                self._state_decided(event)
            case OptionDecided():
                self._option_decided(event.option, event.at)
            case FindingSeen() if seen_so_far([event.finding]):
                self._say(event.at, f"seen: {finding_short(event.finding)}")
            case AttemptFinished() if event.at >= self._counts_at:
                self._counts_at = event.at + COUNTS_EVERY
                used = kilobytes(event.bytes_used)
                self._say(event.at, f"{len(self._decided)} of {self._total} decided, {used} used")
            case TorSeen():
                if said := progress(event.percent, event.tag, self._names.called(event.option)):
                    self._say(event.at, said)
            case Finished():
                self._say(event.report.duration_s, f"done: {tally(asked_for(event.report))}")
            case _:
                pass

    async def run(self) -> None:
        """Nothing is repainted."""

    def close(self) -> None:
        """Nothing has to be taken away."""

    def _state_decided(self, event: StateDecided) -> None:
        facts = line_facts(event.network)
        if self._state is None and facts:
            self._say(event.at, f"network: {facts}")
        before, self._state = self._state, event.network.state
        if self._state in NO_WAY_OUT or before in NO_WAY_OUT:
            self._say(event.at, state_sentence(self._state))

    def _option_decided(self, option: OptionReport, at: float) -> None:
        self._decided.add(option.id)
        if not carries(option) and option.status not in _TOLD:
            return
        self._told += 1
        if self._told > MOST:
            return
        # Its 64 kB may still be under way: "short" is said at the end.
        told = status_word(option.status) if option.status is Status.WORKS else word(option)
        said = f"{told}: {self._names.with_kind(option)}"
        if carries(option) and option.latency_ms is not None:
            said += f", first data after {milliseconds(option.latency_ms.median)}"
        elif not carries(option) and (clause := reason(option)):
            said += f": {clause}"
        self._say(at, said)
        if self._told == MOST:
            self._say(at, "further options are counted only")

    def _say(self, at: float, said: str) -> None:
        try:
            print(f"{at:6.1f} s  {sanitise(said, 300)}", file=self._stream, flush=True)
        except OSError:  # whoever read the progress has left; the answer is worth having all the same
            forget(self._stream)


def _options(count: int) -> str:
    return "1 option" if count == 1 else f"{count} options"
