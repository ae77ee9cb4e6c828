"""Servers from Go modules: what is listed is exact and can be checked, and what can't be built stands in nobody's way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.lab import go_servers
from tests.lab.left_out import UNPACKAGED

if TYPE_CHECKING:
    from pathlib import Path

FOLDERS = sorted(path.parent for path in go_servers.MODULES.glob("*/go.mod"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_module_is_listed_with_its_checksums(folder: Path) -> None:
    said = (folder / "go.mod").read_text(encoding="utf-8")
    wanted = set(re.findall(r"^(?:require )?\s*(\S+) (v\S+) // indirect$", said, flags=re.MULTILINE))
    sums = (folder / "go.sum").read_text(encoding="ascii").splitlines()
    there = {tuple(line.split()[:2]) for line in sums if line.split()[2].startswith("h1:")}
    assert wanted
    assert wanted <= there
    assert "replace" not in said


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_program_has_a_name(folder: Path) -> None:
    said = (folder / "go.mod").read_text(encoding="utf-8")
    tools = said[said.index("\ntool") :].replace("tool (", "").replace("tool ", "").replace(")", "")
    assert len(go_servers.programs(folder)) == len(tools.split("\n")) - tools.split("\n").count("")


def test_names_are_told_apart_and_may_be_missing() -> None:
    count = sum(len(go_servers.programs(folder)) for folder in FOLDERS)
    assert len(go_servers.everything()) == count
    assert set(go_servers.everything()) <= UNPACKAGED


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of servers that is empty, and one on PATH with no compiler in it yet."""
    monkeypatch.setattr(go_servers, "SERVERS", tmp_path / "servers")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(go_servers, "_MORE_PLACES", "")
    return tmp_path


def test_without_go_it_says_what_stays_missing(
    nothing_built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert go_servers.main(["meek-server"]) == 1
    assert capsys.readouterr().err == "go is not installed: these stay missing: meek-server\n"
    assert not (nothing_built / "servers").exists()


def test_one_that_fails_does_not_hold_up_the_others(
    nothing_built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compiler = nothing_built / "go"
    compiler.write_text(
        "#!/bin/sh\ncase $* in *meek*) echo no way >&2; exit 1;; esac\n: >$4\n", encoding="ascii"
    )
    compiler.chmod(0o755)
    assert go_servers.main(["meek-server", "webtunnel-server"]) == 1
    assert capsys.readouterr().out == "meek-server: no way\nwebtunnel-server: built\n"
    assert [path.name for path in (nothing_built / "servers").iterdir()] == ["webtunnel-server"]


def test_a_name_that_nobody_lists(nothing_built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert go_servers.main(["no-server"]) == 2
    assert "not known: no-server" in capsys.readouterr().err
    assert not (nothing_built / "servers").exists()
