"""Help says what is declared, and no sentence of the project names a command or an option that is not."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from typing import Any

import pytest
import typer

from circumvent.check.settings import CheckSettings
from circumvent.cli.commands import app
from circumvent.cli.help import WIDTH, command_help, root_help
from circumvent.cli.help_text import HELP
from tests.cli.pty_run import ROOT

GROUP: Any = typer.main.get_command(app)
#: Options that are told in sentences of the library and belong to ``circumvent`` itself.
OF_THE_ROOT = {"--help", "--version"}


def below(name: str) -> list[Any]:
    """The declarations of a command, and of those below it."""
    command = GROUP.commands[name]
    return [command, *getattr(command, "commands", {}).values()]


def declared(command: str) -> set[str]:
    return {
        name for one in below(command) for each in one.params for name in (*each.opts, *each.secondary_opts)
    }


def test_the_text_of_help_is_what_the_declarations_give() -> None:
    assert root_help(GROUP) == HELP


@pytest.mark.parametrize("name", [name for name in GROUP.commands if len(below(name)) == 1])
def test_help_of_a_command_names_all_its_options_and_fits_eighty_columns(name: str) -> None:
    said = command_help(GROUP.commands[name], name)
    assert declared(name) - {"named", "name", "file"} <= set(re.findall(r"--[a-z-]+", said))
    assert max(map(len, said.splitlines())) <= WIDTH
    assert max(map(len, HELP.splitlines())) <= WIDTH


def test_every_setting_of_the_check_has_its_option() -> None:
    options = {one.lstrip("-").replace("-", "_") for one in declared("check")}
    settings = {field.name for field in fields(CheckSettings)} - {"named", "use_env_proxy"}
    assert settings <= options


@pytest.mark.parametrize("option", ["--lang", "--recover-file", "--use-env-proxy", "--compare-interfaces"])
def test_what_is_not_built_is_not_declared(option: str) -> None:
    assert not any(option in declared(name) for name in GROUP.commands)


def sentences() -> list[tuple[str, str]]:
    """Every text in the library and the command line that a person may read, with its module."""
    found = []
    for path in sorted([*(ROOT / "circumvent").rglob("*.py"), *(ROOT / "cli").rglob("*.py")]):
        if any((ROOT / part).is_symlink() for part in path.relative_to(ROOT).parents) or path.is_symlink():
            continue
        tree = ast.parse(path.read_text("utf-8"))
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found += [
            (str(path.relative_to(ROOT)), node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents
        ]
    return found


def test_no_sentence_names_a_command_that_is_not_there() -> None:
    wrong = [
        (path, word)
        for path, text in sentences()
        for word in re.findall(r"\bcircumvent ([a-z]+)\b(?!\s*=)", text)
        if word not in GROUP.commands and word not in {"finds", "or"}
    ]
    assert wrong == []


def test_no_sentence_names_an_option_that_is_not_there() -> None:
    every = set().union(*(declared(name) for name in GROUP.commands)) | OF_THE_ROOT
    wrong = [
        (path, option)
        for path, text in sentences()
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)
        # A word alone is an argument of another program, and some sentences are commands for one.
        if option not in every and text.strip() != option and not text.startswith("apt-get ")
    ]
    assert wrong == []


def test_an_option_stands_behind_a_command_that_has_it() -> None:
    wrong = [
        (path, command, option)
        for path, text in sentences()
        for command, rest in re.findall(r"circumvent (check|list|show|report|wipe)\b([^.;]*)", text)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", rest)
        if option not in declared(command) | OF_THE_ROOT
    ]
    assert wrong == []
