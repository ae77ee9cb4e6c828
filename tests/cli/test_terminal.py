"""What a terminal can, and what the environment says about it."""

from __future__ import annotations

import io
from typing import Any

import pytest

from circumvent.cli import terminal
from circumvent.cli.draw import Style
from tests.say.hostile import HOSTILE, raw_in


class Tty(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CIRCUMVENT_PLAIN", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")


def test_a_pipe_gets_sentences_of_any_length() -> None:
    assert terminal.style_for(io.StringIO()) == Style(width=None, plain=True)


@pytest.mark.parametrize(
    ("env", "style"),
    [
        ({}, Style(width=90, colour=True)),
        ({"NO_COLOR": "1"}, Style(width=90)),
        ({"NO_COLOR": ""}, Style(width=90, colour=True)),
        ({"TERM": "dumb"}, Style(width=90)),
        ({"COLUMNS": "300"}, Style(width=100, colour=True)),
        ({"COLUMNS": "5"}, Style(width=30, colour=True)),
        ({"COLUMNS": "wide"}, Style(width=80, colour=True)),
    ],
)
def test_a_terminal(monkeypatch: pytest.MonkeyPatch, env: dict[str, str], style: Style) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert terminal.style_for(Tty()) == style


def test_colour_can_be_forced_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert terminal.style_for(io.StringIO()) == Style(width=90, colour=True)
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.style_for(io.StringIO()) == Style(width=90)


def test_plain_by_option_or_for_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.plain_wanted(True)
    assert not terminal.plain_wanted(False)
    monkeypatch.setenv("CIRCUMVENT_PLAIN", "1")
    assert terminal.plain_wanted(False)
    assert terminal.style_for(Tty(), plain=True) == Style(width=90, plain=True)


def test_lines_can_be_painted_over_only_where_a_cursor_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert terminal.can_move(Tty())
    assert not terminal.can_move(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not terminal.can_move(Tty())
    closed = io.StringIO()
    closed.close()
    assert not terminal.can_move(closed)


def test_a_sentence_on_standard_error(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    terminal.tell(HOSTILE)
    said = capsys.readouterr().err
    assert raw_in(said) == set()
    assert said.count("\n") == 1
    tty = Tty()
    monkeypatch.setattr("sys.stderr", tty)
    terminal.tell("word " * 40)
    assert all(len(line) <= 90 for line in tty.getvalue().splitlines())
    assert tty.getvalue().splitlines()[1].startswith("  word")
