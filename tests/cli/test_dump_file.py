"""``--dump``: seen before the check, written after it, readable by its owner only."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.cli.dump_file import DumpProblem, check_writable, write_dump
from tests.cli.pty_run import Terminal
from tests.say.reports import filtered

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path


def test_looking_creates_nothing(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "report.json"), "default")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "said"), [(".", "is a folder"), ("no/such/report.json", "there is no folder")]
)
def test_what_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DumpProblem, match=said):
        check_writable(name, "default")


def test_a_file_that_was_longer_is_overwritten_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("x" * 1_000_000)
    write_dump(filtered(), str(path), "default")
    document = json.loads(path.read_text("utf-8"))
    assert document["redaction"] == "default"


def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_dump(filtered(), str(tmp_path / "report.json"), "strict")
    finally:
        os.umask(before)
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o600


def test_unredacted_is_warned_of_where_nobody_can_be_asked(tmp_path: Path, capsys: Any) -> None:
    check_writable(str(tmp_path / "report.json"), "none")
    assert "the file will name your servers" in capsys.readouterr().err


@pytest.mark.namespace
@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"y\n"])
def test_unredacted_is_asked_for_on_a_terminal(tmp_path: Path, answer: bytes) -> None:
    def write(_: subprocess.Popen[bytes], master: int) -> None:
        os.write(master, answer)

    file = tmp_path / "report.json"
    arguments = ["check", "socks5://127.0.0.1:1", "--allow-private", "--anchors", "none", "--redact", "none"]
    ended = Terminal([*arguments, "--dump", str(file)]).run(when=lambda text: "[y/N]" in text, then=write)
    yes = answer == b"y\n"
    assert file.exists() is yes
    assert ended.code == (1 if yes else 2)
    assert ("It is not redacted" in ended.screen) is yes
