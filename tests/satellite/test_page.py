"""One GET of a first page: what is read of it, what is never sent, and what is no page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.net.errors import StepFailed
from circumvent.satellite.find import Candidate, local_dialer, local_trace
from circumvent.satellite.page import HTTP, HTTPS, LARGEST, Page, ask_page
from tests.faults import tcp
from tests.faults.terminals import Front, certificate, serving_page

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio
HERE = "127.91.1.1"


async def asked(port: int = HTTP) -> Page:
    return await ask_page(HERE, local_dialer(Candidate(HERE)), local_trace(), port)


async def test_a_page_in_clear() -> None:
    web = Front(title="BGAN \n Terminal &amp; more", headers={"Server": "lighttpd", "Set-Cookie": "a=b"})
    async with serving_page(web, HERE):
        page = await asked()
    assert (page.status, page.title, page.headers) == (200, "BGAN Terminal & more", ("server: lighttpd",))
    assert page.local in ("127.0.0.1", HERE)


async def test_it_is_one_get_of_the_first_page() -> None:
    web = Front(title="x", status=401, headers={"WWW-Authenticate": 'Basic realm="HT2000W"'})
    async with serving_page(web, HERE):
        page = await asked()
    assert web.asked == [b"GET / HTTP/1.1"]
    assert page.headers == ('www-authenticate: Basic realm="HT2000W"',)


async def test_where_nobody_answers_in_clear_the_certificate_tells_its_maker(tmp_path: Path) -> None:
    async with serving_page(Front(title="Login"), HERE, certificate=certificate(tmp_path, "Viasat Inc.")):
        page = await asked()
    assert "Viasat Inc." in page.subject
    assert page.title == "Login"


async def test_a_page_that_leads_to_tls_is_followed_there_and_nowhere_else(tmp_path: Path) -> None:
    clear = Front(status=302, headers={"Location": "https://elsewhere.example/login"})
    secure = Front(title="SurfBeam")
    async with (
        serving_page(clear, HERE),
        serving_page(secure, HERE, certificate=certificate(tmp_path, "Viasat Inc.")),
    ):
        page = await asked()
    assert page.title == "SurfBeam"
    assert secure.asked == [b"GET / HTTP/1.1"]


async def test_a_page_that_leads_to_tls_without_tls_is_what_it_is() -> None:
    async with serving_page(Front(status=302, headers={"Location": "https://elsewhere.example/"}), HERE):
        page = await asked()
    assert (page.status, page.subject) == (302, "")


async def test_an_endless_page_is_read_to_its_bound() -> None:
    body = b"<title>Thuraya IP</title>" + bytes(2 * LARGEST)
    async with serving_page(Front(body=body), HERE):
        assert (await asked()).title == "Thuraya IP"


async def test_foreign_text_is_made_harmless() -> None:
    async with serving_page(Front(title="\x1b[31mBGAN" + "x" * 1000), HERE):
        title = (await asked()).title
    assert "\x1b" not in title
    assert len(title) <= 200


@pytest.mark.parametrize("behaviour", [tcp.garbage, tcp.finish_on_accept, tcp.stall])
async def test_what_is_no_page(behaviour: Any) -> None:
    with tcp.serve(behaviour, port=HTTP), anyio.fail_after(10), pytest.raises(StepFailed):
        await ask_page("127.0.0.1", local_dialer(Candidate("127.0.0.1")), local_trace())


async def test_nobody_there() -> None:
    for port in (HTTP, HTTPS):
        with pytest.raises(StepFailed) as caught:
            await asked(port)
        assert caught.value.failure.error == "connection_refused"
