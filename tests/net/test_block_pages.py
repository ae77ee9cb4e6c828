"""A documented block page is known by its mark; anything else is not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.block_pages import SEARCHED, block_page

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://lighthouse.du.ae/x\r\n\r\n"
PAGE = b"HTTP/1.1 200 OK\r\n\r\n<script>ga('UA-102574946-1')</script>"


def test_a_mark_in_the_body_or_in_the_location() -> None:
    assert block_page(REDIRECT) == "AE"
    assert block_page(PAGE) == "AE"


def test_a_mark_in_another_place_says_nothing() -> None:
    assert block_page(b"HTTP/1.1 200 OK\r\nX: lighthouse.du.ae\r\n\r\nhello") is None


def test_a_login_page_is_no_block_page() -> None:
    assert block_page(b"HTTP/1.1 200 OK\r\n\r\n<form>Please sign in</form>") is None


def test_only_the_beginning_is_searched() -> None:
    assert block_page(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * SEARCHED + b"UA-102574946-1") is None


@given(st.binary(max_size=300))
def test_garbage_is_none(answer: bytes) -> None:
    assert block_page(answer) is None
