"""Programs are found where the shell finds them, the one made for a transport first."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from circumvent.tor.program import find
from circumvent.tor.program.find import find_programs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder in which programs are looked for."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(find, "_MORE_PATHS", ())
    return tmp_path


def install(place: Path, *names: str) -> None:
    for name in names:
        (place / name).write_text("#!/bin/sh\n", encoding="ascii")
        (place / name).chmod(stat.S_IRWXU)


def test_nothing_is_installed(place: Path) -> None:
    assert place.exists()
    found = find_programs()
    assert found.tor is None
    assert found.transports == {}


def test_the_first_of_several(place: Path) -> None:
    install(place, "tor", "lyrebird", "obfs4proxy")
    found = find_programs()
    assert found.tor == str(place / "tor")
    assert found.transports["obfs4"] == str(place / "lyrebird")
    assert found.transports["webtunnel"] == str(place / "lyrebird")
    install(place, "webtunnel-client")
    assert find_programs().transports["webtunnel"] == str(place / "webtunnel-client")


def test_administrators_programs(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sbin = place / "sbin"
    sbin.mkdir()
    install(sbin, "tor")
    monkeypatch.setattr(find, "_MORE_PATHS", (str(sbin),))
    assert find_programs().tor == str(sbin / "tor")
