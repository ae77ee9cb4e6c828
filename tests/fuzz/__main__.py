"""``python -m tests.fuzz [TARGET...] [--seconds N] [--keep DIRECTORY]``: fuzz with atheris, each target in a process of its own.

The engine is libFuzzer: it mutates what reaches new branches. A finding is kept as a file, whose name is printed; give
the file with ``--again`` to run it alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.secrets.held import ALL

#: Seconds for each target.
SECONDS = 20
LONGEST = 4096
#: Seconds and mebibytes that one input may take.
SLOWEST, LARGEST = 5, 1024


def main() -> int:
    """Fuzz what was asked for; the status is 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", help="all of them by default")
    parser.add_argument("--seconds", type=int, default=SECONDS, help=f"for each target (default: {SECONDS})")
    parser.add_argument("--keep", type=Path, help="corpora and findings are kept here")
    parser.add_argument("--again", type=Path, help="run this input alone")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    folder = given.keep or Path(tempfile.mkdtemp(prefix="fuzz-"))
    if given.inside:
        _fuzz(given.targets[0], folder, given.seconds, given.again)
    from tests.fuzz.targets import TARGETS

    unknown = sorted(set(given.targets) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; the targets are {', '.join(TARGETS)}")
    broken = [name for name in given.targets or TARGETS if not _run(name, folder, given.seconds, given.again)]
    sys.stdout.write(f"findings: {', '.join(broken) or 'none'}\n")
    return 1 if broken else 0


def _run(name: str, folder: Path, seconds: int, again: Path | None) -> bool:
    """Fuzz one target; tell whether it held."""
    words = ["--inside", name, "--seconds", str(seconds), "--keep", str(folder)]
    words += ["--again", str(again)] if again is not None else []
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *words], capture_output=True, text=True, check=False
    )
    counted = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    sys.stdout.write(f"{name:<28}{counted[-1] if counted else f'status {done.returncode}'}\n")
    if done.returncode:
        sys.stdout.write(done.stdout[-2000:] + done.stderr[-6000:] + "\n")
    sys.stdout.flush()
    return done.returncode == 0


def _fuzz(name: str, folder: Path, seconds: int, again: Path | None) -> None:
    """Fuzz in this process, which atheris ends."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]  # of this session alone

    with atheris.instrument_imports(include=["circumvent"]):
        from tests.fuzz.targets import TARGETS

    corpus = folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    if name in ("inputs", "convert"):
        for held in ALL:
            (corpus / held.name).write_text(held.text)
    findings = folder / "findings"
    findings.mkdir(exist_ok=True)
    bounds = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={SLOWEST}",
        f"-rss_limit_mb={LARGEST}",
    ]
    places = [str(again)] if again is not None else [f"-artifact_prefix={findings}/{name}-", str(corpus)]
    atheris.Setup([name, *bounds, *places], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
