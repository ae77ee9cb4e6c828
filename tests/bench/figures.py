"""The figures of a measurement: what is measured, how, and what is wanted of each on two cores."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, Final

from tests.bench import reference, world
from tests.bench.bridges import check_bridges
from tests.bench.profiles import check_profiles
from tests.bench.run import Run, command, first_carried, match, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.bench.world import Entry, World
    from tests.lab.wire import Flow, Wire

_MEBIBYTE: Final = 1 << 20
#: How often a start-up is timed; the median counts.
_STARTS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number; ``wanted`` is the most it should be."""

    key: str
    what: str
    value: float | None
    unit: str
    wanted: float | None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether it is what was wanted; ``None`` when nothing was wanted or nothing measured."""
        if self.wanted is None:
            return None
        return self.value is not None and self.value <= self.wanted

    def to_dict(self) -> dict[str, object]:
        """As plain data."""
        return {**asdict(self), "met": self.met}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Everything that a measurement needs."""

    wire: Wire
    world: World
    directory: Path

    def check(self, name: str, entries: Sequence[Entry]) -> tuple[Run, list[Flow]]:
        """Run ``circumvent check`` with these options, one trial each; return the run and what the wire saw."""
        options = world.write_options(self.directory / f"{name}.toml", entries)
        self.wire.flows()
        done = run(
            [
                "check", str(options), "--json", "--all", "--fast", "--allow-private", "--trials", "1",
                *self.world.arguments,
            ],
            directory=self.directory,
        )  # fmt: skip
        (self.directory / f"{name}.stderr").write_text(done.errors, encoding="utf-8")
        (self.directory / f"{name}.json").write_text(json.dumps(done.report), encoding="utf-8")
        return done, self.wire.flows()


def _counts(done: Run) -> str:
    statuses = [option["status"] for option in done.report["options"] if not option.get("baseline")]
    return ", ".join(f"{statuses.count(status)} {status}" for status in sorted(set(statuses)))


def working(bench: Bench) -> Iterator[Figure]:
    """(a) 60 working options, (e) bytes, (g) memory."""
    entries = world.working()
    done, flows = bench.check("working", entries)
    matched = match(done.report, flows)
    note = _counts(done)
    yield Figure(
        key="a1", what="60 working: first option proved", value=first_carried(done, matched), unit="s", wanted=0.6,
        note=note,
    )  # fmt: skip
    shown = None if done.first_line is None else done.first_line - done.began
    yield Figure(key="a1s", what="60 working: first shown on stderr", value=shown, unit="s", wanted=None)
    yield Figure(key="a2", what="60 working: full ranking", value=done.total, unit="s", wanted=4.0, note=note)
    yield from _bytes(bench, entries, done, flows)
    yield Figure(
        key="g", what="peak memory, 60 working", value=done.memory / _MEBIBYTE, unit="MiB", wanted=120.0
    )


def _bytes(bench: Bench, entries: Sequence[Entry], done: Run, flows: Sequence[Flow]) -> Iterator[Figure]:
    """(e): bytes of each kind's median option over those of the plainest client."""
    proofs = {option["label"]: option["proof"] for option in done.report["options"]}
    for kind in ("dot", "doh", "h3", "socks5"):
        mine = [entry for entry in entries if entry.kind == kind]
        spent = [
            _spent(flows, entry) for entry in mine if proofs.get(entry.label) in ("carried", "sustained")
        ]
        if not spent:
            yield Figure(key=f"e-{kind}", what=f"bytes per {kind} option", value=None, unit="x", wanted=1.5)
            continue
        example = next(entry for entry in mine if proofs.get(entry.label) in ("carried", "sustained"))
        sustained = proofs[example.label] == "sustained"
        reference.exchange(example, bench.world, sustained=sustained)
        time.sleep(0.3)  # the last acknowledgements are still on the wire
        least = _spent(bench.wire.flows(), example)
        yield Figure(
            key=f"e-{kind}",
            what=f"bytes per {kind} option over the least",
            value=median(spent) / least,
            unit="x",
            wanted=1.5,
            note=f"{median(spent):.0f} against {least} ({proofs[example.label]})",
        )


def _spent(flows: Sequence[Flow], entry: Entry) -> int:
    return sum(flow.sent + flow.received for flow in flows if flow.address == entry.address)


def silent(bench: Bench) -> Iterator[Figure]:
    """(b) 60 options, all silently dropped."""
    done, _ = bench.check("silent", world.silent())
    yield Figure(
        key="b", what="60 dropped: answer", value=done.total, unit="s", wanted=10.0, note=_counts(done)
    )


def mixed(bench: Bench) -> Iterator[Figure]:
    """(c) 20 working, 40 dropped."""
    done, flows = bench.check("mixed", [*world.working(5), *world.silent(40)])
    first = first_carried(done, match(done.report, flows))
    note = _counts(done)
    yield Figure(
        key="c1", what="20 working, 40 dropped: first proved", value=first, unit="s", wanted=0.6, note=note
    )
    yield Figure(
        key="c2", what="20 working, 40 dropped: all", value=done.total, unit="s", wanted=10.0, note=note
    )


def fidelity(bench: Bench) -> Iterator[Figure]:
    """(d) the error of reported connect times with 100 options in flight, against the wire's own clock."""
    done, flows = bench.check("crowd", world.crowd())
    dials = match(done.report, flows).dials
    steps = [abs(dial.step - dial.wire) * 1000 for dial in dials]
    kernel = [abs(dial.kernel - dial.wire) * 1000 for dial in dials if dial.kernel is not None]
    yield _error("d", "100 in flight: error of connect steps, p95", steps, _counts(done))
    yield _error("dk", "the same, of the kernel's times in their detail", kernel, "")


def _error(key: str, what: str, errors: Sequence[float], note: str) -> Figure:
    p95 = quantiles(errors, n=20)[-1] if len(errors) > 1 else None
    told = (
        f"{len(errors)} connects, median {median(errors):.2f}, largest {max(errors):.2f} ms" if errors else ""
    )
    return Figure(
        key=key,
        what=what,
        value=p95,
        unit="ms",
        wanted=5.0,
        note="; ".join(part for part in (told, note) if part),
    )


def starts(bench: Bench) -> Iterator[Figure]:
    """(f) start-up."""
    for key, arguments, wanted in (
        ("f1", ["--help"], 60.0),
        ("f2", ["--version"], 60.0),
        ("f3", ["check", "--help"], 300.0),
    ):
        times = []
        for _ in range(_STARTS):
            began = time.monotonic()
            done = subprocess.run(
                [*command(), *arguments], check=False, capture_output=True, cwd=bench.directory
            )
            if done.returncode:
                raise RuntimeError(f"{arguments} ended with status {done.returncode}")
            times.append((time.monotonic() - began) * 1000)
        yield Figure(
            key=key, what=f"start-up: {' '.join(arguments)}", value=median(times), unit="ms", wanted=wanted,
            note=f"fastest {min(times):.0f} ms",
        )  # fmt: skip


#: Every measurement, by the letters of its figures.
def profiles(bench: Bench) -> Iterator[Figure]:
    """(h) 100 WireGuard profiles at a round trip of 100 ms, half of them dead."""
    folder = bench.directory / "vpn"
    folder.mkdir()
    done = check_profiles(folder)
    carried = [option["latency_ms"]["median"] for option in done.report["options"] if _is_tunnel(option)]
    note = _counts(done)
    yield Figure(
        key="h",
        what="100 profiles, 100 ms, half dead: all",
        value=done.total,
        unit="s",
        wanted=15.0,
        note=note,
    )
    middle = median(carried) if carried else None
    yield Figure(key="h1", what="100 profiles: first data, median", value=middle, unit="ms", wanted=None)


def bridges(bench: Bench) -> Iterator[Figure]:
    """(i) 200 obfs4 bridges at a round trip of 150 ms, half of them dead."""
    folder = bench.directory / "bridges"
    folder.mkdir()
    done = check_bridges(folder)
    what = "200 bridges, 150 ms, half dead: all"
    yield Figure(key="i", what=what, value=done.total, unit="s", wanted=15.0, note=_counts(done))


def _is_tunnel(option: dict[str, Any]) -> bool:
    return option["kind"] == "wireguard" and option["latency_ms"] is not None


MEASUREMENTS: Final[dict[str, Callable[[Bench], Iterator[Figure]]]] = {
    "aeg": working,
    "b": silent,
    "c": mixed,
    "d": fidelity,
    "f": starts,
    "h": profiles,
    "i": bridges,
}
