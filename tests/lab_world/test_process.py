"""A world is started, awaited, and ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from circumvent.lab.world import process
from circumvent.lab.world.prepare import Prepared, prepare
from circumvent.lab.world.process import WorldFailedError
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def small(tmp_path: Path) -> Prepared:
    """A world of one resolver on loopback."""
    whole = standard_world()
    server = msgspec.structs.replace(whole.server("dns.homeline.example"), addresses=("127.0.0.62",))
    return prepare(msgspec.structs.replace(whole, servers=(server,)), tmp_path)


@pytest.mark.namespace
def test_it_runs_until_it_is_stopped(small: Prepared) -> None:
    world = process.start(small)
    assert world.process.poll() is None
    world.stop()
    assert world.process.returncode == 0
    assert world.log_tail() == ""


@pytest.mark.namespace
def test_a_world_that_cannot_have_its_ports_says_why(small: Prepared) -> None:
    world = process.start(small)
    try:
        with pytest.raises(WorldFailedError, match=r"dns\.homeline\.example"):
            process.start(small)
    finally:
        world.stop()


def test_a_world_that_ends_at_once_says_so(small: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "command", lambda _: ["/bin/sh", "-c", "echo no >&2"])
    with pytest.raises(WorldFailedError, match="no"):
        process.start(small)


def test_a_world_that_never_comes_up_is_ended(small: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "command", lambda _: ["/bin/sleep", "60"])
    monkeypatch.setattr(process, "START", 0.1)
    with pytest.raises(WorldFailedError, match="not ready"):
        process.start(small)
