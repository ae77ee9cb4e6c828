"""From bytes to links."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.text import clean, decode, is_comment, links_in, unwrap_base64


@pytest.mark.parametrize(
    ("line", "links"),
    [
        ("tls://a.example", ["tls://a.example"]),
        ("see <https://a.example/q>, ok", ["https://a.example/q"]),
        ("[name](tls://a.example)", ["tls://a.example"]),
        ("socks5://[2001:db8::1]", ["socks5://[2001:db8::1]"]),
        ("(socks5://[2001:db8::1])", ["socks5://[2001:db8::1]"]),
        ("tls://a.example tls://b.example", ["tls://a.example", "tls://b.example"]),
        ("tls://a.example#my own  name", ["tls://a.example#my own  name"]),
        ("tls://a.example and #hashtag", ["tls://a.example"]),
        ("turn:u:p@h.example is it", ["turn:u:p@h.example"]),
        ("https://a.example/x?u=https://b.example", ["https://a.example/x?u=https://b.example"]),
        ("overturn:this", []),
        ("no link", []),
    ],
)
def test_links_in_a_line(line: str, links: list[str]) -> None:
    assert list(links_in(line)) == links


def test_invisible_characters_go() -> None:
    assert clean("\ufeff\u200b tls://a\u200d.example\u202e \r") == "tls://a.example"


@pytest.mark.parametrize("line", ["", "# x", "// x", "; x"])
def test_comments(line: str) -> None:
    assert is_comment(line)


def test_only_lists_are_unwrapped() -> None:
    assert unwrap_base64(base64.b64encode(b"tls://a.example").decode()) == "tls://a.example"
    assert unwrap_base64(base64.b64encode(b"nothing in here").decode()) is None
    assert unwrap_base64("tls://a.example") is None


@given(st.binary(max_size=200))
def test_bytes_of_any_sort(data: bytes) -> None:
    text = decode(data)
    if text is not None:
        unwrap_base64(text)
        for link in links_in(clean(text.partition("\n")[0])):
            assert link
