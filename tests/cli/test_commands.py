"""The commands as typer declares them."""

from __future__ import annotations

from typing import Any

import typer

from circumvent.cli.commands import app, run

GROUP: Any = typer.main.get_command(app)


def test_these_commands_exist_and_no_others() -> None:
    assert list(GROUP.commands) == [
        "check",
        "bridges",
        "list",
        "show",
        "report",
        "convert",
        "wipe",
        "guide",
        "satellite",
        "lab",
    ]


def test_every_option_has_a_sentence_and_a_panel() -> None:
    for name, command in GROUP.commands.items():
        for one in command.params:
            if one.param_type_name == "option":
                assert one.help, f"{name} {one.opts}"
                assert one.rich_help_panel, f"{name} {one.opts}"
                assert one.is_flag or one.metavar.isupper() or "|" in one.metavar, f"{name} {one.opts}"


def test_help_after_other_options_is_help(capsys: Any) -> None:
    assert run(["check", "--deadline", "3", "--help"]) == 0
    assert capsys.readouterr().out.startswith("circumvent check [FILE|LINK|- ...] [OPTIONS]")


def test_what_stands_behind_two_dashes_is_a_name(capsys: Any) -> None:
    assert run(["check", "--", "--help"]) == 2
    assert "there is no such file here" in capsys.readouterr().err
