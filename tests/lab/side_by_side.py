"""Runs the whole suite as several pytest processes side by side: ``python -m tests.lab.side_by_side [--jobs N]``.

Most tests wait: for a time limit, for a slow line, for a server to start. Each process has a network of its own
(:mod:`tests.lab.namespace`) and servers of its own, so that they meet nowhere. What is measured against the clock of the
laboratory's wire needs the machine for itself (:data:`ALONE`) and comes first. What all say comes out one after the other; the
last line is pytest's, with the sums of all.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT: Final = Path(__file__).parents[2]
#: Folders and files whose tests run before all others, and not beside them: whole checks over the laboratory's wire, which
#: keeps its time only on a machine that is not busy.
ALONE: Final = (
    "tests/lab_scenarios/",
    "tests/cli/test_lab_run.py",
    "tests/lab_world/test_over_the_wire.py",
    "tests/lab_world/test_real.py",
    "tests/lab_world/test_whole.py",
)
#: Processes for each processor: more wait than work.
_JOBS_EACH: Final = 1.5
_MOST_JOBS: Final = 4
#: Seconds that files took where this was written, when nothing else ran; those that are not named took little.
SECONDS: Final[dict[str, float]] = {
    "tests/check/test_api.py": 8,
    "tests/check/test_bridges.py": 23,
    "tests/check/test_end_to_end.py": 42,
    "tests/check/test_networks.py": 37,
    "tests/check/test_openvpn_profiles.py": 33,
    "tests/check/test_profiles_ikev2.py": 12,
    "tests/check/test_run.py": 13,
    "tests/check/test_satellite.py": 14,
    "tests/check/test_warm.py": 30,
    "tests/cli/test_check_command.py": 52,
    "tests/cli/test_lab_shell.py": 11,
    "tests/cli/test_terminals_command.py": 9,
    "tests/cli/test_terminals_in_check.py": 9,
    "tests/docs/test_docs.py": 14,
    "tests/docs/test_transcript.py": 10,
    "tests/lab/test_tor_network.py": 15,
    "tests/lab_engine/test_wire.py": 28,
    "tests/lab_engine/test_wire_programs.py": 49,
    "tests/lab_world/test_bridges.py": 8,
    "tests/lab_world/test_openvpn.py": 9,
    "tests/lab_world/test_voice.py": 17,
    "tests/satellite/test_houses.py": 43,
    "tests/test_secrets.py": 41,
    "tests/tor/program/test_run.py": 140,
    "tests/transports/test_dns_plain.py": 27,
    "tests/transports/test_dnscrypt.py": 16,
    "tests/transports/test_dnstt.py": 22,
    "tests/transports/test_dnstt_keyless.py": 16,
    "tests/transports/test_ikev2.py": 41,
    "tests/transports/test_link_loss.py": 29,
    "tests/transports/test_names_daemons.py": 9,
    "tests/transports/test_openconnect.py": 30,
    "tests/transports/test_openvpn.py": 113,
    "tests/transports/test_snowflake_daemons.py": 60,
    "tests/transports/test_sstp.py": 11,
    "tests/transports/test_stun.py": 17,
    "tests/transports/test_tor_daemons.py": 34,
    "tests/transports/test_tunnel_proof.py": 24,
    "tests/transports/test_wireguard.py": 63,
}
_LITTLE: Final = 1.0
_SIGN_OF_LIFE: Final = 60.0
_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
_CLOSING: Final = re.compile(r"^=* ?(?P<counts>no tests ran|(?:\d+ [a-z]+(?:, )?)+) in [\d.]+s.*$")
#: pytest's own: no tests were collected, which is no failure of a part.
_NOTHING: Final = 5


def files() -> list[str]:
    """Return every file with tests, relative to the root of the project."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))


def parts(names: Iterable[str], count: int) -> list[list[str]]:
    """Divide files among processes, the longest first, each to where least is waiting; a part keeps their order."""
    shares: list[list[str]] = [[] for _ in range(count)]
    filled = [0.0] * count
    for name in sorted(names, key=lambda name: (-SECONDS.get(name, _LITTLE), name)):
        least = filled.index(min(filled))
        shares[least].append(name)
        filled[least] += SECONDS.get(name, _LITTLE)
    return [sorted(share) for share in shares if share]


def counted(text: str) -> Counter[str] | None:
    """Return what pytest counted, from the last line of its output that tells; ``None`` if it did not come so far."""
    for line in reversed(text.splitlines()):
        match = _CLOSING.match(_COLOURS.sub("", line).strip())
        if match:
            return Counter(
                {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+)", match["counts"])}
            )
    return None


def closing(counts: Iterable[Counter[str] | None], seconds: float) -> str:
    """Return the line that pytest would have closed with, had it been one process."""
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one if one is not None else {"error": 1})
    said = ", ".join(f"{number} {word}" for word, number in total.items() if number)
    return f"=== {said} in {seconds:.2f}s ==="


def run(phases: Iterable[Sequence[Sequence[str]]], more: Sequence[str]) -> int:
    """Run the parts of each phase side by side, one phase after the other; return the first status that is not 0."""
    began, counts, status = time.monotonic(), [], 0
    for shares in phases:
        for code, counted_there in _phase(shares, more, began):
            counts.append(counted_there)
            status = status or (0 if code == _NOTHING else code) or int(counted_there is None)
    sys.stdout.write(closing(counts, time.monotonic() - began) + "\n")
    return status


def _phase(
    shares: Sequence[Sequence[str]], more: Sequence[str], began: float
) -> Iterator[tuple[int, Counter[str] | None]]:
    running: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []
    try:
        for share in shares:
            output = tempfile.TemporaryFile()  # noqa: SIM115 - it is closed below, with its process
            command = [sys.executable, "-m", "pytest", *more, *share]
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
            running.append((process, output))
        for number, (process, kept) in enumerate(running, start=1):
            code = _awaited(process, began)
            kept.seek(0)
            text = kept.read().decode(errors="replace")
            sys.stdout.write(
                f"part {number} of {len(running)}, after {time.monotonic() - began:.0f} s:\n{text}\n"
            )
            sys.stdout.flush()
            yield code, counted(text)
    finally:
        for process, kept in running:
            if process.poll() is None:
                process.terminate()
                process.wait()
            kept.close()


def _awaited(process: subprocess.Popen[bytes], began: float) -> int:
    """Wait for a part; a line now and then says that we are there."""
    while True:
        try:
            return process.wait(_SIGN_OF_LIFE)
        except subprocess.TimeoutExpired:
            sys.stdout.write(f"tests are running, {time.monotonic() - began:.0f} s so far\n")
            sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run everything; arguments that are not ours go to pytest."""
    parser = argparse.ArgumentParser(description="Run all tests, several processes side by side.")
    usual = max(1, min(_MOST_JOBS, round(_JOBS_EACH * (os.cpu_count() or 1))))
    parser.add_argument("--jobs", type=int, default=usual, help=f"how many processes; here {usual}")
    asked, more = parser.parse_known_args(arguments)
    alone = [name for name in files() if name.startswith(ALONE)]
    others = [name for name in files() if not name.startswith(ALONE)]
    return run([[alone], parts(others, max(1, asked.jobs))], more)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
