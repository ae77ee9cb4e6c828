"""``circumvent satellite plan``: a place, and what is told of it without asking anybody."""

from __future__ import annotations

import json
import socket
import stat
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from circumvent.cli.app import main

if TYPE_CHECKING:
    from pathlib import Path


def said(capsys: Any, *arguments: str, code: int = 0) -> str:
    assert main(["satellite", "plan", *arguments]) == code
    out, err = capsys.readouterr()
    text: str = err if code else out
    return text


def test_a_city_or_coordinates_and_no_socket_at_all(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    assert "Near Tehran (35.69, 51.39) a listed gateway" in said(capsys, "--near", "tehran")
    assert "Near -12.00, 30.50 " in said(capsys, "--near", "-12,30.5")


def test_the_law_of_the_citys_country_comes_first(capsys: Any) -> None:
    assert said(capsys, "--near", "Tehran").startswith("Using or having a Starlink terminal")
    assert said(capsys, "--near", "Minsk").startswith("Near Minsk")


def test_with_coordinates_it_is_the_law_of_the_country_that_is_guessed(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    assert said(capsys, "--near", "35.7,51.4").startswith("Using or having a Starlink terminal")


@pytest.mark.parametrize(
    ("near", "told"),
    [
        ("Tehrn", "Did you mean Tehran?"),
        ("Atlantis by the sea", "Give its coordinates."),
        ("95,3", "a latitude goes from -90 to 90 degrees"),
        ("nan,3", "a place needs two numbers"),
        ("1,2,3", "a place needs two numbers"),
        ("", "it needs a place"),
        ("\x1b[31mX", "is no city of the list"),
    ],
)
def test_what_is_no_place_gets_one_sentence_with_an_example(capsys: Any, near: str, told: str) -> None:
    text = said(capsys, "--near", near, code=2)
    assert told in text
    assert text.count("\n") == 1
    assert "\x1b" not in text


def test_a_name_that_several_places_have_is_asked_back(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from circumvent.satellite import facts

    twins = [city for city in facts.cities() if city.name in {"Lagos", "Lima"}]
    monkeypatch.setattr("circumvent.cli.satellite_command.find_cities", lambda _: tuple(twins))
    assert 'can be "Lagos, NG" or "Lima, PE". Give one of them.' in said(capsys, "--near", "L", code=2)


def test_a_document(capsys: Any) -> None:
    document = json.loads(said(capsys, "--near", "Khartoum", "--json"))
    assert document["systems"][0]["needs_links"] is True


def test_the_picture_is_its_owners_alone_and_replaces_nothing(capsys: Any, tmp_path: Path) -> None:
    file = tmp_path / "plan.svg"
    said(capsys, "--near", "Tehran", "--svg", str(file))
    assert file.read_text("utf-8").startswith("<svg ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "is there already" in said(capsys, "--near", "Tehran", "--svg", str(file), code=2)
    assert "can't be written" in said(capsys, "--near", "Tehran", "--svg", str(tmp_path / "no" / "x"), code=2)


def test_a_check_of_a_terminal_says_the_law_before_anything_is_sent(
    capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    file = tmp_path / "dish.toml"
    file.write_text('[[option]]\nkind = "starlink"\nhost = "192.168.100.1"\n')
    assert main(["check", "--plan", "--quiet", "--allow-private", str(file)]) == 0
    out, err = capsys.readouterr()
    assert err.startswith("Using or having a Starlink terminal is punished")
    assert "Satellite terminals" in out
