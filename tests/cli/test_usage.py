"""Mistakes in the use of the command line; most are tried through the whole program in test_app.py."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from circumvent.cli.commands import app
from circumvent.cli.usage import UnknownCommand, command_of
from tests.say.hostile import HOSTILE, raw_in

GROUP: Any = typer.main.get_command(app)


def test_a_command_is_itself() -> None:
    assert command_of(["report", "x"], GROUP) == "report"


@pytest.mark.parametrize("name", ["socks5://me:hunter2@192.0.2.1", "/home/me/secret-list.txt", "bridges.txt"])
def test_a_file_or_link_is_not_repeated(name: str) -> None:
    with pytest.raises(UnknownCommand) as caught:
        command_of([name], GROUP)
    assert name not in str(caught.value)
    assert "circumvent check" in str(caught.value)


def test_hostile_words_stay_text() -> None:
    for word in (HOSTILE.replace("/", "").replace(".", ""), "--" + HOSTILE):
        with pytest.raises(UnknownCommand) as caught:
            command_of([word], GROUP)
        assert raw_in(str(caught.value)) == set()
        assert len(str(caught.value)) < 200
