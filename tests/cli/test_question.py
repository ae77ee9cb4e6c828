"""The question before a run that names nothing: who is asked, what Enter means, what is remembered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from circumvent.check.settings import CheckSettings
from circumvent.cli.check_command import Output
from circumvent.cli.question import WHAT_IS_SEEN, ask_if_needed, laws_here
from tests.cli.pty_run import Terminal

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

#: A run that names nothing and that no network lets begin: the plan's families are all left out but one kind.
ASKED = ["check", "--only", "stun", "--anchors", "none", "--deadline", "1"]


def answering(text: bytes) -> dict[str, object]:
    def write(_: subprocess.Popen[bytes], master: int) -> None:
        os.write(master, text)

    return {"when": lambda said: "ormal? Enter is" in said, "then": write}


def test_five_lines_and_a_choice() -> None:
    assert len(WHAT_IS_SEEN) == 5
    assert max(map(len, WHAT_IS_SEEN)) <= 110


@pytest.mark.namespace
def test_a_person_is_asked_and_normal_is_what_enter_means_where_no_law_is_known() -> None:
    ended = Terminal(ASKED, env={"TZ": "UTC"}).run(**answering(b"\n"))  # type: ignore[arg-type]  # keywords of run
    assert "[c]areful or [N]ormal? Enter is normal:" in ended.screen
    for line in WHAT_IS_SEEN:
        assert line.split(":")[0][:40] in ended.screen
    assert "Checking" in ended.raw


@pytest.mark.namespace
def test_where_a_law_is_known_enter_is_careful() -> None:
    env = {"TZ": "Asia/Yangon"}
    asked = ["check", "--skip", "proxy,direct,doh,doh3,dot", "--anchors", "none", "--deadline", "1"]
    ended = Terminal(asked, env=env).run(**answering(b"\n"))  # type: ignore[arg-type]  # keywords of run
    assert "[C]areful or [n]ormal? Enter is careful:" in ended.screen
    assert ended.screen.startswith("Setting up a VPN for others")
    assert "not legal advice" in ended.screen
    # Careful leaves nothing of these kinds.
    assert ended.code == 2


@pytest.mark.namespace
def test_the_end_of_input_is_no_answer() -> None:
    ended = Terminal(ASKED).run(**answering(b"\x04"))  # type: ignore[arg-type]  # keywords of run
    assert ended.code == 3
    assert ended.screen.endswith("Stopped; nothing was decided.")


@pytest.mark.namespace
@pytest.mark.parametrize("option", ["--careful", "--fast", "--quiet", "--plan", "--include=voice"])
def test_who_decided_already_is_not_asked(option: str) -> None:
    ended = Terminal(["check", "--only", "doh", "--anchors", "none", "--deadline", "1", option]).run()
    assert "ormal?" not in ended.raw


@pytest.mark.namespace
def test_with_save_the_answer_is_remembered(tmp_path: Path) -> None:
    env = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    first = Terminal([*ASKED, "--save"], env=env).run(**answering(b"n\n"))  # type: ignore[arg-type]  # keywords of run
    assert "ormal?" in first.raw
    assert (tmp_path / "circumvent" / "answer.json").exists()
    assert "ormal?" not in Terminal([*ASKED, "--save"], env=env).run().raw
    # Without --save nothing of it is read either.
    assert "ormal?" in Terminal(ASKED, env=env).run(**answering(b"n\n")).raw  # type: ignore[arg-type]  # as above


def test_what_names_something_is_not_asked_and_scripts_get_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    named = CheckSettings(named=("tls://192.0.2.1",))
    assert ask_if_needed(named, Output()) is named
    assert capsys.readouterr().err == ""
    settings = CheckSettings()
    assert ask_if_needed(settings, Output()) is settings
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "--careful" in said
    assert "--plan" in said


def test_law_is_known_by_country() -> None:
    assert laws_here(CheckSettings(country="MM"))
    assert not laws_here(CheckSettings(country="NL"))
