"""What answers prove, with a connection that says what it is told to."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.control import Bulk, Control, ControlPlan
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.http_types import BodyTooLong, Response
from circumvent.transport import Context
from circumvent.transports.web_exchange import exchange, read_option
from tests.net.record import failure_of, new_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.net.trace import Trace

pytestmark = pytest.mark.anyio

URL = "https://lab.example/"


class Client:
    """Gives the answers of a script, in order, and remembers what was asked."""

    def __init__(self, *answers: Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, int]] = []
        self.trace = new_trace()

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Sequence[tuple[str, str]] = (),  # noqa: ARG002 - the protocol's
        body: bytes = b"",
        max_body: int = 0,  # noqa: ARG002 - the protocol's
        on_bytes: Callable[[int], None] | None = None,
    ) -> Response:
        self.asked.append((method, url, len(body)))
        self.trace.bytes_sent += len(body)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if on_bytes is not None:
            on_bytes(len(answer.body))
        return answer

    async def aclose(self) -> None:
        """Close."""


def said(status: int, body: bytes = b"", at: float = 0.0) -> Response:
    return Response(status, (), body, "HTTP/3", at)


async def run(
    client: Client, url: str = URL, bulk: str | None = None, goal: Proof = Proof.SUSTAINED
) -> Trace:
    """Exchange with the script and return the record."""
    trace = client.trace
    plan = ControlPlan(bulk=None if bulk is None else Bulk.parse(bulk))
    parts: dict[str, Any] = {
        "trace": trace,
        "dialer": None,
        "goal": goal,
        "controls": plan,
        "names": None,
        "trust": None,
        "random": random.Random(1),
    }
    try:
        await exchange(client, Control.parse(url), Context(**parts))
    except StepFailed:
        assert trace.failure is not None
    return trace


async def test_the_latency_ends_where_the_answer_began() -> None:
    trace = new_trace()
    trace.first_packet()
    trace.carry_arrived(trace.clock.now() + 0.05)
    assert trace.latency_ms == pytest.approx(50, abs=5)
    assert (await run(Client(said(200)))).proof is Proof.CARRIED


async def test_a_long_page_counts_by_its_beginning_unless_it_is_judged_whole() -> None:
    beginning = said(200, b"the beginning")
    assert (await run(Client(BodyTooLong(13, beginning)))).proof is Proof.CARRIED
    for answer, url in ((BodyTooLong(13), URL), (BodyTooLong(13, beginning), URL + "#body=whole")):
        trace = await run(Client(answer), url)
        assert (trace.proof, failure_of(trace).error) == (Proof.NONE, "wrong_answer")


async def test_after_a_glance_the_connection_is_not_used_again() -> None:
    client = Client(BodyTooLong(1, said(200, b"x")))
    await run(client, bulk=URL + "{bytes}")
    assert len(client.asked) == 1


async def test_bytes_move_on_the_same_session_and_only_there() -> None:
    client = Client(said(200), said(200, bytes(65536)), said(200))
    trace = await run(client, bulk=URL + "{bytes}")
    assert client.asked == [("GET", URL, 0), ("GET", URL + "65536", 0), ("POST", URL + "0", 16384)]
    assert trace.proof is Proof.SUSTAINED
    for elsewhere in (
        "https://lab.example:444/{bytes}",
        "http://lab.example/{bytes}",
        "https://x.example/{bytes}",
    ):
        client = Client(said(200))
        assert (await run(client, bulk=elsewhere)).proof is Proof.CARRIED
    client = Client(said(200))
    assert (await run(client, bulk=URL + "{bytes}", goal=Proof.CARRIED)).proof is Proof.CARRIED


async def test_a_front_without_its_origin_proves_no_handshake() -> None:
    assert (await run(Client(said(502)))).proof is Proof.NONE
    assert (await run(Client(said(503)))).proof is Proof.HANDSHAKEN


def test_only_https_pages_can_be_tried() -> None:
    def option(url: str) -> Option:
        return Option(
            id="x",
            kind="https",
            label="x",
            endpoint=Endpoint(host="lab.example", port=443),
            origin=Origin(source="argument"),
            settings=WebSettings(url=url),
        )

    assert read_option(option(URL + "#status=204")).expect.status == 204
    for url in ("http://lab.example/", "https://", "nonsense", URL + "#status=9"):
        with pytest.raises(CannotTry, match="unsupported"):
            read_option(option(url))
