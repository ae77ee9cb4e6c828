"""The way to a broker: fronts in their order, pages of a cache, and what answers in the broker's place."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

import pytest

from circumvent.model.snowflake import SnowflakeSettings
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError, StepFailed
from circumvent.tor.snowflake.broker import Nat, Refused
from circumvent.transports.snowflake_broker import MOST_FRONTS, Broker, reach_broker
from tests.faults import proxy as faults
from tests.faults import snowflake
from tests.transports.tor_context import bridge, context, detail_of, failure_of

if TYPE_CHECKING:
    from typing import Any

    from circumvent.transport import Context

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def line(port: int, more: str = "front=127.0.0.1") -> str:
    return f"snowflake 192.0.2.3:80 {'A' * 40} url=http://broker.example:{port}/ {more}"


async def reach(text: str, given: Context) -> Broker:
    option = bridge(text)
    assert isinstance(option.settings, SnowflakeSettings)
    return await reach_broker(option, option.settings, given)


async def nobody(_: str) -> dict[str, Any]:
    return {"error": "no snowflake proxies currently available"}


async def test_a_poll_without_an_offer_then_one_with() -> None:
    fake, given = snowflake.Broker(nobody), context()
    async with faults.serving(fake.serve) as served:
        broker = await reach(line(served.port), given)
        try:
            assert [poll["offer"] for poll in fake.polls] == [""]
            assert detail_of(given.trace.attempt(), "broker") == {"said": "no_offer"}
            assert given.trace.proof is Proof.REACHED
            reply = await broker.ask("v=0", Nat.RESTRICTED)
            assert reply.refused is Refused.NO_PROXIES
        finally:
            await broker.aclose()
        assert served.connections == 1
    assert fake.polls[1]["nat"] == "restricted"
    assert fake.polls[1]["fingerprint"] == "2B280B23E1107BB62ABFC40DDCC8824814F80A72"
    for head in fake.heads:
        assert head.startswith("POST /client HTTP/1.1\r\n")
        assert f"\r\nhost: broker.example:{served.port}\r\n" in head.lower()
        assert "\r\nuser-agent: go-http-client/1.1\r\n" in head.lower()


def page(message: bytes) -> bytes:
    body = b"<html amp><body><pre>\n0" + base64.b64encode(message) + b"\n</pre></body></html>"
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


CACHED = "url=http://broker.example/ ampcache=http://cache.example:{port}/ front=127.0.0.1"


async def test_through_a_cache() -> None:
    given = context()

    async def cache(link: faults.Link) -> None:
        head = (await link.head()).decode()
        method, target, _ = head.split(" ", 2)
        assert (method, target[:39]) == ("GET", "/c/broker.example/amp/client/0" + target[30:39])
        assert "\r\nhost: broker-example.cache.example:" in head.lower()
        data = target.rpartition("/")[2]
        poll = base64.urlsafe_b64decode(data + "=" * (-len(data) % 4))
        assert json.loads(poll.partition(b"\n")[2])["offer"] == ""
        await link.send(page(b'{"error":"no supplied offer"}'))

    async with faults.serving(cache) as served:
        text = f"snowflake 192.0.2.3:80 {'A' * 40} {CACHED.format(port=served.port)}"
        broker = await reach(text, given)
        await broker.aclose()
    assert detail_of(given.trace.attempt(), "broker_amp") == {"said": "no_offer"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "http_unexpected_status_code"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "wrong_answer"),
        (
            page(b'{"error":"x"}').replace(b"OK\r\n", b"OK\r\nLocation: https://broker.example/\r\n"),
            "wrong_answer",
        ),
        (page(b"nothing"), "wrong_answer"),
    ],
)
async def test_pages_that_are_not_the_brokers(answer: bytes, error: str) -> None:
    given = context(limit=2.0)

    async def cache(link: faults.Link) -> None:
        await link.head()
        await link.send(answer)

    async with faults.serving(cache) as served:
        text = f"snowflake 192.0.2.3:80 {'A' * 40} {CACHED.format(port=served.port)}"
        with pytest.raises(StepFailed):
            await reach(text, given)
    assert failure_of(given.trace.attempt()) == ("broker_amp", error)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "http_unexpected_status_code"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "origin_down"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "wrong_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "wrong_answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n" + b" " * 200_000, "wrong_answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "wrong_answer"),
        (b"", "eof_error"),
    ],
)
async def test_a_front_behind_which_there_is_no_broker(answer: bytes, error: str) -> None:
    given = context(limit=2.0)

    async def front(link: faults.Link) -> None:
        length = re.search(rb"content-length: (\d+)", (await link.head()).lower())
        assert length is not None
        await link.exactly(int(length[1]))
        await link.send(answer)

    async with faults.serving(front) as served:
        with pytest.raises(StepFailed):
            await reach(line(served.port), given)
    assert failure_of(given.trace.attempt()) == ("broker", error)


async def test_a_front_that_says_nothing() -> None:
    given = context(limit=0.3)
    async with faults.serving(faults.silent) as served:
        with pytest.raises(StepFailed):
            await reach(line(served.port), given)
    assert failure_of(given.trace.attempt()) == ("broker", "generic_timeout_error")
    assert given.trace.proof is Proof.NONE


async def test_fronts_are_tried_in_their_order() -> None:
    """Nobody listens at the first two; the third leads to the broker, and nothing of theirs is left."""
    fake, given = snowflake.Broker(nobody), context()
    async with faults.serving(fake.serve) as served:
        broker = await reach(line(served.port, "fronts=127.0.0.2,127.0.0.3,127.0.0.1"), given)
        await broker.aclose()
    attempt = given.trace.attempt()
    assert [step.failure is None for step in attempt.steps if step.name == "connect"] == [False, False, True]
    assert attempt.failure is None


async def test_no_more_fronts_than_a_few() -> None:
    given = context(limit=1.0)
    fronts = ",".join(f"127.0.0.{number}" for number in range(2, 8))
    with pytest.raises(StepFailed):
        await reach(line(9, f"fronts={fronts}"), given)
    attempt = given.trace.attempt()
    assert len(attempt.steps) == MOST_FRONTS
    assert failure_of(attempt) == ("connect", "connection_refused")


async def test_an_answer_to_an_offer_that_is_none() -> None:
    async def damaged(_: str) -> dict[str, Any]:
        return {"answer": "nothing"}

    fake, given = snowflake.Broker(damaged), context()
    async with faults.serving(fake.serve) as served:
        broker = await reach(line(served.port), given)
        try:
            with pytest.raises(PeerError):
                await broker.ask("v=0")
        finally:
            await broker.aclose()
