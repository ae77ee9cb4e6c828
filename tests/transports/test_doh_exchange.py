"""DNS in HTTP: what is asked, and what is taken for an answer."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.http_types import MAX_BODY, Response
from circumvent.transports.doh_exchange import LONGEST_MESSAGE, MEDIA_TYPE, DohSession, read_response

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

pytestmark = pytest.mark.anyio

URL = "https://dns.test/dns-query"
QUESTION = bytes.fromhex("abcd01000001000000000000") + b"\x03www\x07example\x00\x00\x01\x00\x01"
ANSWER = bytes.fromhex("00008180000100000000000e") + QUESTION[12:]


def response(body: bytes = ANSWER, status: int = 200, media_type: str | None = MEDIA_TYPE) -> Response:
    headers = () if media_type is None else (("content-type", media_type),)
    return Response(status, headers, body, "HTTP/2", 0.0)


class Scripted:
    """An HTTP connection that answers as it was told and remembers what it was asked."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, dict[str, str], bytes, int]] = []

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        max_body: int = MAX_BODY,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        del on_bytes
        self.asked.append((method, url, dict(headers), body, max_body))
        return self.answer

    async def aclose(self) -> None:
        """Nothing is open."""


async def test_a_post_carries_the_message_with_id_0_and_gives_the_id_back() -> None:
    http = Scripted(response())

    answer = await DohSession(http, URL).query(QUESTION)

    assert answer == QUESTION[:2] + ANSWER[2:]
    ((method, url, headers, body, limit),) = http.asked
    assert (method, url, limit) == ("POST", URL, LONGEST_MESSAGE)
    assert headers == {"accept": MEDIA_TYPE, "content-type": MEDIA_TYPE}
    assert body == bytes(2) + QUESTION[2:]


@pytest.mark.parametrize(
    ("given_url", "prefix"),
    [(URL, f"{URL}?dns="), (f"{URL}{{?dns}}", f"{URL}?dns="), (f"{URL}?user=1", f"{URL}?user=1&dns=")],
)
async def test_a_get_carries_it_in_the_url(given_url: str, prefix: str) -> None:
    http = Scripted(response())

    await DohSession(http, given_url, method="GET").query(QUESTION)

    ((method, url, headers, body, _),) = http.asked
    assert (method, headers, body) == ("GET", {"accept": MEDIA_TYPE}, b"")
    assert url.startswith(prefix)
    coded = url.removeprefix(prefix)
    assert "=" not in coded
    assert urlsafe_b64decode(coded + "=" * (-len(coded) % 4)) == bytes(2) + QUESTION[2:]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (response(b"<html>Welcome to the hotel", media_type="text/html"), failures.WRONG_ANSWER),
        (response(media_type=None), failures.WRONG_ANSWER),
        (response(b"\0" * 11), failures.WRONG_ANSWER),
        (response(b"\0\1" + ANSWER[2:]), failures.WRONG_ANSWER),
        (response(status=403), failures.HTTP_UNEXPECTED_STATUS),
        (response(status=302), failures.HTTP_UNEXPECTED_STATUS),
        (response(status=502), failures.ORIGIN_DOWN),
    ],
    ids=["login page", "no media type", "too short", "another id", "forbidden", "redirect", "origin down"],
)
async def test_what_is_no_answer(answer: Response, error: str) -> None:
    with pytest.raises(PeerError) as failed:
        await DohSession(Scripted(answer), URL).query(QUESTION)

    assert failed.value.error == error


async def test_a_media_type_may_have_parameters_and_capitals() -> None:
    answer = response(media_type="Application/DNS-Message; charset=utf-8")

    assert await DohSession(Scripted(answer), URL).query(QUESTION)


@given(body=st.binary(max_size=40), status=st.integers(100, 599), media_type=st.text(max_size=40))
def test_any_response_is_a_message_or_a_peer_error(body: bytes, status: int, media_type: str) -> None:
    try:
        message = read_response(response(body, status, media_type))
    except PeerError:
        return
    assert message == body
