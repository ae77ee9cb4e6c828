"""The head of a response after which a tunnel begins."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.http_head import LONGEST_HEAD, HeadError, HeadReader, ResponseHead, parse_head

GOOD = b"HTTP/1.1 200 CONNECTED\r\nX-CSTP-DNS: 10.0.0.1\r\nx-cstp-dns:  10.0.0.2 \r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_head_is_read_however_it_comes(size: int) -> None:
    reader = HeadReader()
    whole = GOOD + b"STF"
    heads = [reader.feed(whole[start : start + size]) for start in range(0, len(GOOD), size)]
    head = heads[-1]
    assert head is not None
    assert heads[:-1] == [None] * (len(heads) - 1)
    assert (head.status, head.all("x-cstp-dns")) == (200, ("10.0.0.1", "10.0.0.2"))
    assert head.get("x-cstp-dns") == "10.0.0.1"
    assert head.get("x-cstp-mtu") is None
    assert (b"STF").startswith(reader.rest)


def test_line_feeds_alone_end_lines_too() -> None:
    assert HeadReader().feed(b"HTTP/1.0 503\nRetry-After: 5\n\n") == ResponseHead(
        503, (("retry-after", "5"),)
    )


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2000 x\r\n\r\n",
        b"HTTP/1.1 200 x\r\nno field\r\n\r\n",
        b"HTTP/1.1 200 x\r\n: no name\r\n\r\n",
        b"HTTP/1.1 200 x\r\na: b\rc\r\n\r\n",
        b"HTTP/1.1 200 x\r\n" + b"a: b\r\n" * 201 + b"\r\n",
        b"HTTP/1.1 200 x\r\na: " + b"x" * LONGEST_HEAD,
    ],
)
def test_what_is_no_head(data: bytes) -> None:
    with pytest.raises(HeadError):
        HeadReader().feed(data)


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_are_a_head_or_an_error(pieces: list[bytes]) -> None:
    reader = HeadReader()
    with suppress(HeadError):
        for piece in [b"HTTP/1.1 200 ", *pieces]:
            if reader.feed(piece) is not None:
                return


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused(data: bytes) -> None:
    with suppress(HeadError):
        assert parse_head(b"HTTP/1.1 404 No\r\n" + data).status == 404
