"""``circumvent convert``: given these files, expect this on standard output, or in a file that is the user's alone."""

from __future__ import annotations

import io
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from circumvent.cli import convert_command, terminal
from circumvent.cli.commands import run
from circumvent.cli.convert_command import SECRETS

if TYPE_CHECKING:
    from pathlib import Path

LINK = "socks5://anna:very-secret-word@203.0.113.9:1080#office"
TABLE = """\
[[option]]
kind = "socks5"
label = "office"
host = "203.0.113.9"
user = "anna"
password = "very-secret-word"
"""


def test_a_link_becomes_a_table_and_the_table_a_link(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["convert", LINK]) == 0
    out, err = capsys.readouterr()
    assert out == TABLE
    assert err == ""
    (tmp_path / "office.toml").write_text(TABLE)
    assert run(["convert", str(tmp_path / "office.toml"), "--to", "link"]) == 0
    assert capsys.readouterr().out == LINK + "\n"


def test_a_file_is_the_users_alone_and_is_never_replaced_unasked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    name = tmp_path / "office.toml"
    assert run(["convert", LINK, "--output", str(name)]) == 0
    assert stat.S_IMODE(name.stat().st_mode) == 0o600
    assert name.read_text() == TABLE
    out, err = capsys.readouterr()
    assert out == ""
    assert "only you can read it" in err
    assert "very-secret-word" not in err
    name.chmod(0o644)
    name.write_text("mine")
    assert run(["convert", LINK, "--output", str(name)]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert name.read_text() == "mine"
    assert run(["convert", LINK, "--output", str(name), "--force"]) == 0
    assert name.read_text() == TABLE
    assert stat.S_IMODE(name.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("ending", "begins"),
    [("svg", "<?xml"), ("txt", "socks5://"), ("toml", "[[option]]"), ("x", "[[option]]")],
)
def test_the_name_of_the_file_says_the_form(tmp_path: Path, ending: str, begins: str) -> None:
    name = tmp_path / f"office.{ending}"
    assert run(["convert", LINK, "--output", str(name)]) == 0
    assert name.read_text().startswith(begins)


def test_one_of_several_is_chosen_by_its_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"{LINK}\ntls://d.example#home\n")
    assert run(["convert", str(listed), "--to", "qr"]) == 2
    assert 'There are "office", "home".' in capsys.readouterr().err
    assert run(["convert", str(listed), "--to", "link", "--option", "home"]) == 0
    assert capsys.readouterr().out == "tls://d.example:853#home\n"
    assert run(["convert", str(listed), "--option", "cellar"]) == 2
    assert 'no option "cellar"' in capsys.readouterr().err


def test_a_built_in_option_is_called_by_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", "quad9-doh"]) == 0
    assert 'url = "https://dns.quad9.net/dns-query"' in capsys.readouterr().out


def test_a_private_address_is_as_good_as_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is contacted."""
    assert run(["convert", "tls://192.168.1.1"]) == 0
    assert capsys.readouterr().out.startswith("[[option]]")


def test_lines_that_cannot_be_used_are_said_and_the_rest_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text(f"nonsense\n{LINK}\n")
    assert run(["convert", str(listed), "--to", "link"]) == 0
    out, err = capsys.readouterr()
    assert out == LINK + "\n"
    assert "list.txt:1" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["convert"], "name a file, a link or a built-in option"),
        (["convert", "not-there"], "nothing that can be written"),
        (["convert", LINK, "--to", "pdf"], '"pdf" is none of toml, link, conf'),
        (["convert", LINK, "--to", "conf"], "have no .conf file; --to toml writes every kind"),
        (["convert", LINK, "--output", "/no-such-folder/x"], "can't be written"),
    ],
)
def test_mistakes_are_one_sentence_each_and_repeat_no_secret(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "very-secret-word" not in err


def test_on_a_terminal_it_is_said_that_keys_follow(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda _stream: True)
    monkeypatch.setenv("LC_ALL", "C")
    assert run(["convert", LINK]) == 0
    assert " ".join(capsys.readouterr().err.split()) == SECRETS
    assert run(["convert", "quad9-doh"]) == 0
    assert capsys.readouterr().err == ""


def test_where_blocks_cannot_be_printed_the_picture_is_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = convert_command._chosen([LINK], None)
    assert "█" in convert_command._written(chosen, "qr")
    latin = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", latin)
    assert convert_command._written(chosen, "qr").isascii()
