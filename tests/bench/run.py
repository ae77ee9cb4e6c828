"""One run of the command line under a stopwatch."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.wire import Flow

#: Rungs from which an option counts as working.
_CARRIED: Final = ("carried", "sustained")
_WORKS: Final = re.compile(r"\bworks\b")


def command() -> list[str]:
    """The command line as it is installed beside this Python; from the tree where it is not."""
    script = Path(sys.executable).with_name("circumvent")
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", "from circumvent.cli.app import main; main()"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run took; times in seconds of CLOCK_MONOTONIC, ``memory`` in bytes (largest resident size)."""

    began: float
    ended: float
    status: int
    memory: int
    report: dict[str, Any]
    first_line: float | None
    errors: str

    @property
    def total(self) -> float:
        """Seconds from the start of the process to its end."""
        return self.ended - self.began


def run(arguments: Sequence[str], *, directory: Path, limit: float = 90.0) -> Run:
    """Run the command line with ``arguments`` and wait for it.

    :raises RuntimeError: when it prints no report.
    """
    began = time.monotonic()
    process = subprocess.Popen(
        [*command(), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=directory,
        env={**os.environ, "NO_COLOR": "1"},
    )
    lines: list[tuple[float, str]] = []
    output: list[bytes] = []
    readers = [
        threading.Thread(target=_read_lines, args=(process.stderr, lines)),
        threading.Thread(target=_read_all, args=(process.stdout, output)),
    ]
    for reader in readers:
        reader.start()
    watchdog = threading.Timer(limit, process.kill)
    watchdog.start()
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    watchdog.cancel()
    for reader in readers:
        reader.join()
    errors = "\n".join(line for _, line in lines)
    try:
        report = json.loads(b"".join(output))
    except ValueError as error:
        raise RuntimeError(f"status {process.returncode} and no report:\n{errors[-3000:]}") from error
    return Run(
        began=began,
        ended=ended,
        status=process.returncode,
        memory=usage.ru_maxrss * 1024,
        report=report,
        first_line=next((moment for moment, line in lines if _WORKS.search(line)), None),
        errors=errors,
    )


def _read_lines(stream: Any, into: list[tuple[float, str]]) -> None:
    into.extend((time.monotonic(), line.decode(errors="replace").rstrip()) for line in stream)


def _read_all(stream: Any, into: list[bytes]) -> None:
    into.append(stream.read())


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """One connect of the report beside the same one on the wire, all in seconds.

    ``step`` is the length of the step, ``kernel`` what its detail says the kernel measured.
    """

    kind: str
    step: float
    kernel: float | None
    wire: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The report laid over the wire: ``offset`` turns report times into CLOCK_MONOTONIC."""

    dials: Sequence[Dial]
    offset: float | None


def match(report: dict[str, Any], flows: Sequence[Flow]) -> Matched:
    """Pair the TCP connects of the report with those of the wire, by the client's port."""
    on_wire = {flow.client_port: flow for flow in flows if flow.protocol == "tcp"}
    dials: list[Dial] = []
    offsets: list[float] = []
    for option in report["options"]:
        for attempt in option["attempts"]:
            for step in attempt["steps"]:
                flow = on_wire.get(step["detail"].get("local_port", 0))
                if step["name"] != "connect" or flow is None:
                    continue
                offsets.append(flow.asked - step["t0"])
                if step["failure"] is None and flow.answered is not None:
                    kernel = step["detail"].get("kernel_rtt_ms")
                    dials.append(
                        Dial(
                            kind=option["kind"],
                            step=step["t"] - step["t0"],
                            kernel=None if kernel is None else kernel / 1000,
                            wire=flow.answered - flow.asked,
                        )
                    )
    return Matched(dials=dials, offset=median(offsets) if offsets else None)


def first_carried(run: Run, matched: Matched) -> float | None:
    """Seconds from the start of the process to the end of the first step that proved an option."""
    ends: list[float] = [
        max(step["t"] for step in attempt["steps"] if step["name"] == "carry")
        for option in run.report["options"]
        for attempt in option["attempts"]
        if not option["baseline"]
        and attempt["proof"] in _CARRIED
        and any(step["name"] == "carry" for step in attempt["steps"])
    ]
    if not ends or matched.offset is None:
        return None
    return min(ends) + matched.offset - run.began
