"""The live view: one row a family, one mark an option, in places that never move.

Own ANSI lines: a frame of 60 options takes well under a millisecond, where a table library holds up the event loop
for tens of them. At most four frames a second, none when nothing changed; the view is removed at the end, so that the
scrollback holds one truth.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import IO, TYPE_CHECKING, Final

import anyio

from circumvent.check.events import (
    AttemptFinished,
    AttemptStarted,
    FindingSeen,
    OptionDecided,
    Started,
    StateDecided,
    TorSeen,
)
from circumvent.cli.canvas import Canvas
from circumvent.cli.cells import cut, packed, pad, width
from circumvent.cli.terminal import size
from circumvent.model.kinds import KINDS
from circumvent.model.words import NetworkState, Status
from circumvent.say.names import Names
from circumvent.say.network import NO_WAY_OUT, finding_short, line_facts, seen_so_far
from circumvent.say.sums import carries
from circumvent.say.with_tor import progress
from circumvent.say.words import TRYING, WAITING, kilobytes, mark, milliseconds, state_sentence
from circumvent.text import sanitise

if TYPE_CHECKING:
    from circumvent.check.events import Event
    from circumvent.model.report import OptionReport

#: Seconds between two frames.
FRAME: Final = 0.25
#: News lines; more than fit push the oldest out.
NEWS: Final = 5
_FAMILIES: Final = {
    "vpn": "VPN",
    "proxy": "Proxies",
    "tor": "Tor and app bridges",
    "names": "Encrypted DNS",
    "direct": "No tunnel",
    "voice": "Calls",
}
_LEGEND: Final = (
    "+ works",
    "~ with limits",
    "x blocked",
    "? no answer",
    "! refused",
    "- not tried",
    "o trying",
)
_COLOURS: Final = {"+": "32", "~": "33", "x": "31", "!": "35"}
_UP: Final = "\x1b[{n}A"
_TO_END: Final = "\x1b[J"
_LINE_END: Final = "\x1b[K"
_HIDE: Final = "\x1b[?25l"
_SHOW: Final = "\x1b[?25h"


class Live:
    """Shows a check while it runs."""

    def __init__(self, stream: IO[str] | None = None, *, colour: bool = True) -> None:
        """Draw on ``stream``, standard error if none is given."""
        self._began = time.monotonic()
        self._stream = stream if stream is not None else sys.stderr
        self._canvas = Canvas(self._stream)
        self._colour = colour
        self._rows: dict[str, dict[str, str]] = {}
        self._row_of: dict[str, str] = {}
        self._names = Names(())
        self._fastest: dict[str, float] = {}
        self._decided: set[str] = set()
        self._news: list[str] = []
        self._head = ""
        self._facts = ""
        self._deadline = 0.0
        self._bytes = 0
        self._height = 0
        self._drawn = 0
        self._fresh = anyio.Event()

    def take(self, event: Event) -> None:
        """Take note of an event; it is drawn with the next frame."""
        match event:
            case Started():
                self._started(event)
            case StateDecided():
                self._facts = line_facts(event.network)
                if event.network.state in {*NO_WAY_OUT, NetworkState.FILTERED}:
                    self._tell(event.at, state_sentence(event.network.state))
            case AttemptStarted():
                self._mark(event.option, TRYING, keep_verdict=True)
            case AttemptFinished():
                self._bytes = max(self._bytes, event.bytes_used)
            case OptionDecided():
                self._option_decided(event.option, event.at)
            case TorSeen():
                self._bytes = max(self._bytes, event.bytes_used)
                if said := progress(event.percent, event.tag, self._names.called(event.option)):
                    self._tell(event.at, said)
            case FindingSeen() if seen_so_far([event.finding]):
                self._tell(event.at, f"This network: {finding_short(event.finding)}")
            case _:
                pass
        self._fresh.set()

    async def run(self) -> None:
        """Draw frames until cancelled: when something changed, and for the seconds once each second."""
        while True:
            with anyio.move_on_after(1.0):
                await self._fresh.wait()
            self._fresh = anyio.Event()
            self.paint()
            await anyio.sleep(FRAME)

    def close(self) -> None:
        """Remove the view."""
        if self._drawn:
            self._canvas.write(_UP.format(n=self._drawn) + "\r" + _TO_END + _SHOW)
            self._drawn = 0
        self._canvas.close()

    def paint(self) -> None:
        """Draw one frame over the last; none while the terminal takes nothing (Ctrl-S), for nothing may wait here."""
        if not self._rows or not self._canvas.ready():
            return
        wide, high = size(self._stream)
        lines = self.frame(max(wide - 1, 20), max(high - 1, 3))
        up = _UP.format(n=self._drawn) + "\r" if self._drawn else _HIDE
        more = _TO_END if self._drawn > len(lines) else ""
        self._canvas.write(up + "".join(line + _LINE_END + "\n" for line in lines) + more)
        self._drawn = len(lines)

    def frame(self, cells: int, most: int) -> list[str]:
        """Return the lines of a frame: always as many, until the size of the terminal changes."""
        total = len(self._row_of)
        right = (
            f"{time.monotonic() - self._began:.1f} s of {self._deadline:g} s   {kilobytes(self._bytes)}   "
        )
        right += f"{len(self._decided)} of {total} decided"
        gap = cells - width(self._head) - width(right)
        head = [self._head + " " * gap + right] if gap >= 2 else [self._head, right]
        network = f"Network: {self._facts}" if self._facts else "Network: being looked at"
        families = ["", *(self._family(name, cells) for name in self._rows), ""]
        legend = [*packed(_LEGEND, cells, "  ", "   "), ""]
        news = [*self._news[-NEWS:], *[""] * (NEWS - len(self._news)), ""]
        hint = ["Ctrl-C stops and shows what is known so far."]
        lines = [*head, network, *families]
        for part in (legend, news, hint):
            if len(lines) + len(part) <= most:
                lines += part
        return [self._cut(line, cells) for line in lines[:most]]

    def _started(self, event: Started) -> None:
        self._names = Names(event.options)
        self._deadline = event.deadline_s
        over = f" over {sanitise(event.interface, 20)}" if event.interface else ""
        count = len(event.options)
        self._head = f"Checking {count} option{'s' * (count != 1)}{over}"
        order = list(_FAMILIES)
        families = {option.id: KINDS[option.kind].family for option in event.options}
        for family in sorted(
            set(families.values()), key=lambda one: order.index(one) if one in order else 99
        ):
            self._rows[family] = {one.id: WAITING for one in event.options if families[one.id] == family}
        self._row_of = families

    def _option_decided(self, option: OptionReport, at: float) -> None:
        first = not self._fastest and carries(option)
        self._mark(option.id, mark(option))
        if option.status is not Status.NOT_RUN or option.reason is not None:
            self._decided.add(option.id)
        if carries(option) and option.latency_ms is not None:
            family = self._row_of.get(option.id, "")
            best = min(self._fastest.get(family, option.latency_ms.median), option.latency_ms.median)
            self._fastest[family] = best
            if first:
                latency = milliseconds(option.latency_ms.median)
                self._tell(at, f"First that works: {self._names.with_kind(option)}, {latency}")

    def _mark(self, option_id: str, sign: str, *, keep_verdict: bool = False) -> None:
        row = self._rows.get(self._row_of.get(option_id, ""))
        if row is None or (keep_verdict and row[option_id] not in {WAITING, TRYING}):
            return
        row[option_id] = sign

    def _tell(self, at: float, said: str) -> None:
        line = f"{at:.1f} s  {sanitise(said, 200)}"
        if not any(one.partition("  ")[2] == line.partition("  ")[2] for one in self._news):
            self._news.append(line)

    def _family(self, family: str, cells: int) -> str:
        names = max(width(_FAMILIES.get(one, one)) for one in self._rows)
        lead = "  " + pad(_FAMILIES.get(family, family), names) + "  "
        tail = f"   first data {milliseconds(self._fastest[family])}" if family in self._fastest else ""
        marks = list(self._rows[family].values())
        room = cells - width(lead)
        if 2 * len(marks) - 1 <= room:
            shown = " ".join(map(self._paint, marks))
            taken = 2 * len(marks) - 1
        else:
            counts = [f"{sign}{n}" for sign, n in sorted(Counter(marks).items())]
            taken = width(" ".join(counts))
            shown = " ".join(self._paint(one[0]) + one[1:] for one in counts)
        return lead + shown + (tail if taken + width(tail) <= room else "")

    def _paint(self, sign: str) -> str:
        code = _COLOURS.get(sign)
        return f"\x1b[{code}m{sign}\x1b[0m" if self._colour and code else sign

    def _cut(self, line: str, cells: int) -> str:
        return line if "\x1b" in line else cut(line, cells)
