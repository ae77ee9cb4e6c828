"""Builds the servers that no package has, from Go modules: ``python tests/lab/go_servers.py [NAME ...]``.

Each folder of ``tests/lab/go`` is a module that only lists programs: ``go.mod`` says which, at which versions of
everything, and after ``//`` under which name they are kept; ``go.sum`` has the checksums that what is fetched must have.
The programs are put into ``.servers``, where the tests find them. What cannot be built is named and goes on missing:
tests that need it are left out, with a line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MODULES: Final = Path(__file__).parent / "go"
#: Where the programs are kept; ``tests/conftest.py`` puts it at the end of PATH.
SERVERS: Final = Path(__file__).parents[2] / ".servers"
#: Seconds that one program may take, with all that is fetched and compiled for it the first time.
_PATIENCE: Final = 600
#: Where Go's own archive puts it.
_MORE_PLACES: Final = os.pathsep + "/usr/local/go/bin"
_TOOL: Final = re.compile(r"^(?:tool)?\s+(?P<package>\S+) // (?P<name>[\w.-]+)$", flags=re.MULTILINE)
#: The same bytes wherever it is built, from what ``go.sum`` knows and with the compiler that is there.
_SURROUNDINGS: Final = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-mod=readonly -trimpath -buildvcs=false",
    "GOTOOLCHAIN": "local",
    "GOWORK": "off",
}


def programs(folder: Path) -> Mapping[str, str]:
    """Return the programs of a module: their packages, by the names under which they are kept."""
    said = (folder / "go.mod").read_text(encoding="utf-8")
    return {match["name"]: match["package"] for match in _TOOL.finditer(said)}


def everything() -> Mapping[str, tuple[Path, str]]:
    """Return folder and package of every program that can be built."""
    return {
        name: (mod.parent, package)
        for mod in sorted(MODULES.glob("*/go.mod"))
        for name, package in programs(mod.parent).items()
    }


def build(go: str, name: str, folder: Path, package: str) -> str | None:
    """Build one program; return why it could not be, if so."""
    command = [go, "build", "-ldflags=-s -w -buildid=", "-o", str(SERVERS / name), package]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **_SURROUNDINGS},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip() or f"status {done.returncode}") if done.returncode else None


def main(names: Sequence[str]) -> int:
    """Build the programs that are named, or all; the status tells whether all are there now."""
    known = everything()
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.stderr.write(f"not known: {', '.join(unknown)}; known: {', '.join(known)}\n")
        return 2
    go = shutil.which("go", path=os.environ.get("PATH", os.defpath) + _MORE_PLACES)
    if go is None:
        sys.stderr.write("go is not installed: these stay missing: " + ", ".join(names or known) + "\n")
        return 1
    SERVERS.mkdir(exist_ok=True)
    failed = False
    for name in names or known:
        reason = build(go, name, *known[name])
        failed = failed or reason is not None
        sys.stdout.write(f"{name}: {reason or 'built'}\n")
        sys.stdout.flush()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
