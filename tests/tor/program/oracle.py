"""tor as a second witness in tests: run with one line, beside what the check finds of the same line."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from circumvent.tor.program.find import find_programs
from circumvent.tor.program.run import Order, run_tor
from circumvent.tor.program.watch import Watch

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from circumvent.model.tor_run import TorRun
    from tests.lab.tor_network import TorNetwork

MOST_BYTES: Final = 20_000_000


def use_network(tor_net: TorNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every ``tor`` that is found on PATH be a client of the network of the tests."""
    monkeypatch.setenv("PATH", f"{tor_net.client}{os.pathsep}{os.environ.get('PATH', os.defpath)}")


async def ask(line: str, *, most_bytes: int = MOST_BYTES) -> TorRun:
    """Run the tor that is found, with one bridge, to its end."""
    programs = find_programs()
    assert programs.tor is not None
    began = time.monotonic()
    watch = Watch(0.0)
    order = Order(
        tor=programs.tor,
        line=line,
        speaker=programs.transports.get(line.partition(" ")[0]),
        most_bytes=most_bytes,
    )
    await run_tor(order, watch, lambda: time.monotonic() - began)
    return watch.record(time.monotonic() - began)


def leftovers(folder: Path) -> list[str]:
    """What stands in a folder that temporary folders are made in."""
    return sorted(one.name for one in folder.iterdir())
