"""What ``--save`` keeps; that nothing is written without it is tried in test_check_command.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from circumvent.check.plan import make_plan
from circumvent.check.settings import CheckSettings
from circumvent.cli import kept
from circumvent.model.report import Link
from circumvent.state import State
from tests.say.reports import filtered

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path / "circumvent"


def test_the_key_is_made_once() -> None:
    first = kept.id_key()
    assert first is not None
    assert kept.id_key() == first


def test_verdicts_are_kept_under_a_hash_of_the_network(folder: Path) -> None:
    plan = make_plan(CheckSettings(named=("socks5://127.0.0.1:1",), anchors="none", allow_private=True))
    kept.keep(filtered(), plan)
    verdicts = State().verdicts(kept.network_name(plan))
    assert len(verdicts) == 23
    assert verdicts["dot-quad9.example"] == "works"
    name = kept.network_name(plan)
    assert len(name) < 4 or name.encode() not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_folder_that_cannot_be_written_is_said_and_no_hindrance(folder: Path, capsys: Any) -> None:
    folder.write_text("a file in its place")
    assert kept.id_key() is None
    plan = make_plan(CheckSettings(named=("socks5://127.0.0.1:1",), anchors="none", allow_private=True))
    kept.keep(filtered(), plan)
    said = capsys.readouterr().err
    assert "--save: nothing can be kept in" in said
    assert "--save: the verdicts can't be kept" in said


def test_that_somebody_has_a_terminal_is_never_written_down(folder: Path) -> None:
    plan = make_plan(CheckSettings(named=("socks5://127.0.0.1:1",), anchors="none", allow_private=True))
    report = filtered()
    dish = replace(report.options[-1], id="starlink-abcdefgh", kind="starlink", baseline=False)
    kept.keep(replace(report, options=(*report.options, dish)), plan)
    assert "starlink-abcdefgh" not in State().verdicts(kept.network_name(plan))
    assert b"starlink" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_what_went_through_a_terminal_is_not_kept_either() -> None:
    plan = make_plan(CheckSettings(named=("socks5://127.0.0.1:1",), anchors="none", allow_private=True))
    behind = Link(interface="eth0", default=True, terminals=("starlink-abcdefgh",))
    kept.keep(replace(filtered(), links=(behind,)), plan)
    assert State().verdicts(kept.network_name(plan)) == {}
    beside = (Link(interface="eth0", default=True), Link(interface="eth1", terminals=("starlink-abcdefgh",)))
    kept.keep(replace(filtered(), links=beside), plan)
    assert len(State().verdicts(kept.network_name(plan))) == 23
