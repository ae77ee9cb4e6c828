"""``circumvent wipe``: what is deleted, what is not, what is out of reach."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

from circumvent.cli.app import main
from circumvent.cli.draw import Style, draw
from circumvent.cli.wipe_command import wipe_screen
from circumvent.state import State, Wiped
from circumvent.tor.program.folder import PREFIX

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_was_kept_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    State().keep_careful(True)
    assert main(["wipe"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Deleted: 2 files and folders.")
    assert "answer.json" in said
    assert "swap" in said
    assert list(tmp_path.iterdir()) == []
    assert main(["wipe"]) == 0
    assert capsys.readouterr().out.startswith("Nothing was kept on this device.")


def test_what_a_killed_check_left_of_tor_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / f"{PREFIX}{2**31 - 2}-abcdefgh"
    left.mkdir(mode=0o700)
    (left / "data").mkdir()
    assert main(["wipe"]) == 0
    assert left.name in capsys.readouterr().out
    assert not left.exists()


def test_what_could_not_be_deleted_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    left = Wiped(failed=(("/state/\x1b[31mkey", "not permitted"),))
    text = "\n".join(draw(wipe_screen(left), Style(width=80)))
    assert "Still there" in text
    assert "/state/\\x1b[31mkey: not permitted" in text
    monkeypatch.setattr("circumvent.cli.wipe_command.wipe", lambda: left)
    assert main(["wipe"]) == 1
    capsys.readouterr()
