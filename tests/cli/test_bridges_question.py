"""The question before Tor is asked: who is asked it, what Enter means, what a script is told."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from circumvent.catalog import settings_apis
from circumvent.check.settings import CheckSettings
from circumvent.cli.bridges_question import ask_if_needed
from circumvent.say.bridges import what_is_seen
from tests.cli.pty_run import Terminal

if TYPE_CHECKING:
    import subprocess

    from tests.lab.namespace import Network

#: Nothing leaves the tests' namespace: nobody answers, and the run ends.
ASKED = ["bridges", "--deadline", "1"]


def answering(text: bytes) -> dict[str, object]:
    def write(_: subprocess.Popen[bytes], master: int) -> None:
        os.write(master, text)

    return {"when": lambda said: "top? Enter is" in said, "then": write}


def test_few_lines_and_none_too_long() -> None:
    told = what_is_seen(settings_apis()[0])
    assert len(told) == 4
    assert max(map(len, told)) <= 100


@pytest.mark.namespace
@pytest.mark.parametrize(
    ("zone", "answer", "prompt", "direct"),
    [
        ("UTC", b"\n", "[D]irect, [f]ront or [s]top? Enter is direct:", True),
        ("UTC", b"f\n", "[D]irect, [f]ront or [s]top? Enter is direct:", False),
        ("Asia/Yangon", b"\n", "[d]irect, [F]ront or [s]top? Enter is front:", False),
        ("Asia/Yangon", b"nonsense\nd\n", "[d]irect, [F]ront or [s]top? Enter is front:", True),
    ],
)
def test_a_person_is_asked_and_enter_is_front_where_a_law_is_known(
    zone: str, answer: bytes, prompt: str, direct: bool
) -> None:
    ended = Terminal(ASKED, env={"TZ": zone}).run(**answering(answer))  # type: ignore[arg-type]  # keywords of run
    assert prompt in ended.screen
    assert what_is_seen(settings_apis()[0])[3][:40] in ended.screen
    assert ("directly" in ended.screen) is direct
    assert "Tor's bridge service could not be asked" in ended.screen
    assert ended.code in (1, 4)


@pytest.mark.namespace
@pytest.mark.parametrize("answer", [b"s\n", b"\x04"])
def test_a_person_can_stop_it(answer: bytes) -> None:
    ended = Terminal(ASKED).run(**answering(answer))  # type: ignore[arg-type]  # keywords of run
    assert ended.code == 3
    assert ended.screen.endswith("Stopped; nothing was decided.")


@pytest.mark.namespace
@pytest.mark.parametrize("flag", ["--yes", "--fronted", "--quiet", "--json"])
def test_who_has_said_it_is_not_asked(flag: str) -> None:
    ended = Terminal([*ASKED, flag]).run()
    assert "Enter is" not in ended.screen
    assert ended.code in (1, 4)


def test_a_script_gets_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert ask_if_needed(CheckSettings(), settings_apis(), asked=True) is False
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "bridges.torproject.org" in said
    assert ask_if_needed(CheckSettings(), settings_apis(), asked=False) is False
    assert capsys.readouterr().err == ""


@pytest.mark.namespace
def test_a_signal_ends_it_while_tor_is_asked(network: Network) -> None:
    def stop(process: subprocess.Popen[bytes], _: int) -> None:
        process.send_signal(signal.SIGINT)

    silent = network.dropped[0]
    ended = Terminal(["bridges", "--yes", "--resolver", silent]).run(
        when=lambda said: "asking Tor" in said, then=stop
    )
    assert ended.code == 3
    assert ended.screen.endswith("Stopped; nothing was decided.")
