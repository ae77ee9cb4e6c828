"""Polls in paths and answers in pages, as snowflake's own code writes them."""

from __future__ import annotations

import base64
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.amp import page_url, read_page
from circumvent.tor.snowflake.broker import LONGEST

#: The example of the package's documentation (common/amp), without most of what caches want around it.
EXAMPLE = b"""<!doctype html>
<html amp>
<head>
<meta charset="utf-8">
<script async src="https://cdn.ampproject.org/v0.js"></script>
</head>
<body>
<pre>
0VGhpcyB3YXMgZW5jb2RlZCB3aXRoIEF
NUCBhcm1vci4=
</pre>
</body>
</html>"""


def armoured(data: bytes) -> bytes:
    """Write a page as the broker does, in short elements."""
    text = b"0" + base64.b64encode(data)
    words = [text[at : at + 32] for at in range(0, len(text), 32)]
    elements = (b"\n".join(words[at : at + 4]) for at in range(0, len(words), 4))
    return b"<!doctype html><body>" + b"".join(b"<pre>\n%s\n</pre>\n" % one for one in elements) + b"</body>"


def test_a_poll_in_a_path() -> None:
    """The form of the package's example: version, bytes of chance, a slash, base64 without padding."""
    url = page_url("https://broker.example/", b"This is path-encoded data.", Random(1))
    start, _, data = url.rpartition("/")
    assert start.startswith("https://broker.example/amp/client/0")
    assert len(start.rpartition("/")[2]) == 1 + 12
    assert data == "VGhpcyBpcyBwYXRoLWVuY29kZWQgZGF0YS4"


def test_each_path_is_another() -> None:
    chance = Random(1)
    assert len({page_url("https://broker.example/", b"x", chance) for _ in range(20)}) == 20


def test_the_published_example() -> None:
    assert read_page(EXAMPLE) == b"This was encoded with AMP armor."


def test_what_a_cache_changes() -> None:
    """Attributes, large letters, white space of other kinds, and entities."""
    page = EXAMPLE.replace(b"<pre>\n", b'<PRE class="a">\r\n\t').replace(b"=\n</pre>", b"&#61;\f</PRE >")
    assert read_page(page) == b"This was encoded with AMP armor."


@pytest.mark.parametrize(
    "page",
    [
        b"",
        b"<html></html>",
        b"<pre>1VGhpcw==</pre>",
        b"<pre>0VGhpcw==",
        b"<pre>0VGhp<b>cw==</b></pre>",
        b"<pre>0V</pre>",
        b"<pre>0\xff\xff</pre>",
        b"<pre>0VGhp</pre>" + b" " * LONGEST,
    ],
)
def test_what_is_no_page_of_a_broker(page: bytes) -> None:
    with pytest.raises(TorError):
        read_page(page)


@given(st.binary(max_size=2000))
def test_what_goes_in_comes_out(data: bytes) -> None:
    assert read_page(armoured(data)) == data


@given(st.binary())
def test_any_bytes(data: bytes) -> None:
    for page in (data, b"<pre>0" + data + b"</pre>"):
        with suppress(TorError):
            read_page(page)


def test_hostile_pages_take_no_time() -> None:
    for piece in (b"<pre ", b"<pre>", b"<", b"&#", b"</pre"):
        with pytest.raises(TorError):
            read_page(piece * (LONGEST // len(piece)))
