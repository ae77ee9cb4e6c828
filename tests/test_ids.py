"""Ids: the same option under the same key has the same id, and an id tells nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.ids import IdKeyError, IdMaker, canonical, read_key
from circumvent.model.option import Endpoint, Option, Origin, ProxySettings
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
OPTION = Option(
    id="",
    kind="http-connect",
    label="home",
    endpoint=Endpoint(host="proxy.example", port=8443, addresses=("192.0.2.2", "192.0.2.1")),
    origin=Origin(source="list.txt", line=3),
    settings=ProxySettings(tls=True),
    user=Secret("anna"),
    password=Secret("s3cret"),
)


def test_the_canonical_form_is_what_the_documentation_says() -> None:
    assert canonical(OPTION) == (
        b'{"endpoint":{"addresses":["192.0.2.1","192.0.2.2"],"host":"proxy.example","port":8443},'
        b'"kind":"http-connect","password":"s3cret","settings":{"tls":true},"user":"anna"}'
    )


def test_an_id_never_changes_between_versions() -> None:
    assert IdMaker(KEY).make(OPTION) == "http-connect-sfiujvvp"


def test_label_and_origin_do_not_matter_and_everything_else_does() -> None:
    ids = IdMaker(KEY)
    name = ids.make(OPTION)
    assert ids.make(replace(OPTION, label="other", origin=Origin(source="stdin"), operator="x")) == name
    for change in (
        {"password": Secret("s3cret2")},
        {"endpoint": Endpoint(host="proxy.example", port=8444)},
        {"sni": ""},
        {"via": "socks5-aaaaaaaa"},
        {"settings": ProxySettings(tls=False)},
    ):
        assert ids.make(replace(OPTION, **change)) != name


def test_no_server_name_is_not_the_same_as_the_usual_one() -> None:
    assert canonical(replace(OPTION, sni="")) != canonical(replace(OPTION, sni=None))


def test_without_a_key_every_process_has_its_own() -> None:
    assert IdMaker().make(OPTION) != IdMaker().make(OPTION)
    assert re.fullmatch(r"http-connect-[a-z2-7]{8}", IdMaker().make(OPTION))


def test_what_is_taken_is_not_given_again() -> None:
    ids = IdMaker(KEY)
    ids.reserve(IdMaker(KEY).make(OPTION))
    name = ids.make(OPTION)
    assert name != IdMaker(KEY).make(OPTION)
    assert ids.make(OPTION) == name


def test_the_key_never_shows() -> None:
    assert repr(IdMaker(KEY)) == "IdMaker()"
    with pytest.raises(ValueError, match="32 bytes"):
        IdMaker(b"short")


@pytest.mark.parametrize(
    "content",
    [KEY, KEY.hex().encode(), base64.b64encode(KEY) + b"\n", base64.urlsafe_b64encode(KEY).rstrip(b"=")],
)
def test_a_key_file_holds_bytes_or_text(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    assert read_key(file) == KEY


@pytest.mark.parametrize("content", [b"", b"tooshort", b"x" * 2000, KEY + b"\n1"])
def test_a_file_without_a_key_is_refused_without_showing_it(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(IdKeyError, match="holds no key"):
        read_key(file)


def test_a_missing_key_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(IdKeyError, match="can't be read: No such file"):
        read_key(tmp_path / "none")
