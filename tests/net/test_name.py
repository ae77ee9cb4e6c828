"""Names as data: which may be asked at all, and of whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.errors import CannotTry
from circumvent.net.name import Resolver, is_localhost, parse_resolv_conf, qualify
from circumvent.net.resolve import read_resolv_conf

if TYPE_CHECKING:
    from pathlib import Path


@given(st.text(max_size=80))
def test_a_qualified_name_is_ascii_ends_in_a_dot_and_stays_the_same(host: str) -> None:
    try:
        name = qualify(host)
    except CannotTry:
        return
    assert name.isascii()
    assert name.endswith(".")
    assert qualify(name) == name
    assert not is_localhost(name)


def test_foreign_scripts_are_written_in_ascii() -> None:
    assert qualify("B\u00fccher.Example") == "xn--bcher-kva.example."


def test_resolv_conf_gives_three_resolvers_and_nothing_else(tmp_path: Path) -> None:
    text = "# nameserver 9.9.9.9\nsearch lan\nnameserver 192.0.2.1\nnameserver x\nnameserver\n nameserver 2001:db8::1\n"
    assert parse_resolv_conf(text) == (Resolver("192.0.2.1"), Resolver("2001:db8::1"))
    assert len(parse_resolv_conf("nameserver 192.0.2.1\n" * 9)) == 3
    assert str(Resolver("2001:db8::1", 5353)) == "[2001:db8::1]:5353"
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"\xff\nnameserver 192.0.2.1\n")
    assert read_resolv_conf(str(file)) == (Resolver("192.0.2.1"),)
    assert read_resolv_conf(str(tmp_path / "none")) == ()
    with pytest.raises(ValueError, match="port"):
        Resolver("192.0.2.1", 0)


@given(st.text())
def test_any_resolv_conf_is_read(text: str) -> None:
    assert len(parse_resolv_conf(text)) <= 3
