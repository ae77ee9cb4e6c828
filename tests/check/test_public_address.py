"""Under which address a link is seen: given this server's page, expect this address; given a network's own answer, none."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.check.public_address import ask_public_address, read_address
from circumvent.net.sock import Source
from circumvent.net.verify import TrustStore
from tests.faults.proxy import Link, server_context, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.lab.pki import Pki

PAGE = b"fl=1f1\nh=1.1.1.1\nip=203.0.113.9\nts=1\ncolo=FRA\n"


@asynccontextmanager
async def server(pki: Pki, page: bytes, *, good: bool = True, status: int = 200) -> AsyncIterator[str]:
    """Somebody who says under which address we come."""
    asked: list[bytes] = []

    async def behave(link: Link) -> None:
        asked.append(await link.head())
        await link.send(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%b" % (status, len(page), page))

    credentials = pki.good if good else pki.self_signed
    async with serving(behave, tls=server_context(credentials)) as served:
        yield f"https://127.0.0.1:{served.port}/cdn-cgi/trace"
    assert not any(b"circumvent" in head.lower() for head in asked)


def trust(pki: Pki) -> TrustStore:
    return TrustStore.mozilla((pki.ca_file.read_text("ascii"),))


@pytest.mark.anyio
class TestAsking:
    async def test_what_a_server_saw(self, pki: Pki) -> None:
        async with server(pki, PAGE) as url:
            assert await ask_public_address(trust(pki), None, (url,)) == "203.0.113.9"

    async def test_through_a_source(self, pki: Pki) -> None:
        async with server(pki, PAGE) as url:
            found = await ask_public_address(trust(pki), Source(address="127.0.0.1"), (url,))
        assert found == "203.0.113.9"

    async def test_somebody_in_the_place_of_the_server_is_not_believed(self, pki: Pki) -> None:
        async with server(pki, PAGE, good=False) as url:
            assert await ask_public_address(trust(pki), None, (url,)) is None

    async def test_the_second_is_asked_where_the_first_says_nothing(self, pki: Pki) -> None:
        async with server(pki, b"<html>", status=503) as first, server(pki, PAGE) as second:
            urls = ("https://127.0.0.1:9/", first, second)
            assert await ask_public_address(trust(pki), None, urls) == "203.0.113.9"

    async def test_a_page_that_does_not_end_is_not_read(self, pki: Pki) -> None:
        async with server(pki, PAGE + bytes(100_000)) as url:
            assert await ask_public_address(trust(pki), None, (url,)) is None


@pytest.mark.parametrize(
    ("page", "address"),
    [
        (PAGE, "203.0.113.9"),
        (b"ip=2001:db8::1\r\n", "2001:db8::1"),
        (b"ip=127.0.0.1", None),
        (b"ip=somewhere", None),
        (b"colo=FRA", None),
        (b"", None),
    ],
)
def test_the_line_with_the_address(page: bytes, address: str | None) -> None:
    assert read_address(page) == address


@given(st.binary(max_size=200))
def test_any_page_is_read_or_not(page: bytes) -> None:
    found = read_address(page)
    assert found is None or found.isascii()
