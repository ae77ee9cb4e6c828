"""Given what a link loses, expect this step ``loss``: by questions over UDP, else by requests."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from circumvent.model.words import Proof
from circumvent.net.errors import StepFailed
from circumvent.net.stream import Datagram
from circumvent.transports.link_loss import Count, watch_loss
from tests.faults import proxy
from tests.lab.loops import ON_ONE_LOOP
from tests.names import tries
from tests.transports.proxy_context import built_in, by_hand, context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from circumvent.model.option import Endpoint
    from circumvent.model.record import Step
    from circumvent.net.stream import ByteStream, DatagramStream, Dialer
    from circumvent.net.trace import Trace
    from circumvent.transport import Context
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio
FIRST, SECOND = "198.51.100.1", "198.51.100.2"
NOTHING: Final = by_hand("https://127.0.0.1:9/nonce/{nonce}")


class Resolver:
    """Answers questions as told, in no time."""

    def __init__(self, answers: Callable[[int], bytes | None], trace: Trace) -> None:
        self._answers = answers
        self._trace = trace
        self._asked = 0
        self._send, self._receive = anyio.create_memory_object_stream[bytes](1000)

    async def send(self, data: bytes) -> None:
        answer = self._answers(self._asked)
        self._asked += 1
        if answer is not None:
            await self._send.send(data[:2] + answer)

    async def receive(self) -> Datagram:
        return Datagram(await self._receive.receive(), self._trace.clock.now())

    async def aclose(self) -> None:
        self._send.close()
        self._receive.close()


class Link:
    """A link with resolvers behind it, and with what ``under`` reaches."""

    def __init__(self, under: Dialer, **resolvers: Callable[[int], bytes | None]) -> None:
        self._under = under
        self._resolvers = resolvers

    async def stream(self, endpoint: Endpoint, trace: Trace) -> ByteStream:
        return await self._under.stream(endpoint, trace)

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> DatagramStream:
        assert endpoint.port == 53
        return Resolver(
            {FIRST: self._resolvers["first"], SECOND: self._resolvers["second"]}[endpoint.host], trace
        )


def answering(number: int) -> bytes | None:
    del number
    return b"\x81\x80" + bytes(8)


def silent(number: int) -> bytes | None:
    del number
    return None


def losing(every: int) -> Callable[[int], bytes | None]:
    return lambda number: None if number % every == 0 else answering(number)


async def watched(
    made: Context, *, first: Any = answering, second: Any = answering
) -> tuple[bool | None, Step]:
    """Watch a link; return what came of it (``None``: the step failed) and the step."""
    names = tries.plan(None, resolvers=((FIRST,), (SECOND,)))
    made = replace(made, names=names, watch=0.5)
    shown: bool | None = None
    with suppress(StepFailed):
        shown = await watch_loss(Link(made.dialer, first=first, second=second), made)
    step = made.trace.attempt().step("loss")
    assert step is not None
    return shown, step


def with_controls(*urls: str, pki: Pki | None = None) -> Context:
    """What a check with built-in controls gives."""
    plan = built_in(*urls, random=random.Random(1)) if urls else replace(NOTHING, by_hand=False)
    return context(
        controls=plan, ca_file=None if pki is None else pki.ca_file, goal=Proof.SUSTAINED, limit=2.0
    )


@asynccontextmanager
async def control(pki: Pki) -> AsyncIterator[str]:
    async with proxy.control_web(pki.good) as port:
        yield f"https://127.0.0.1:{port}/nonce/{{nonce}}"


class TestQuestions:
    async def test_a_link_that_loses_nothing(self) -> None:
        shown, step = await watched(with_controls())
        assert shown
        assert (step.detail["method"], step.detail["sent"], step.detail["lost"], step.detail["loss"]) == (
            "questions",
            20,
            0,
            0.0,
        )

    @ON_ONE_LOOP
    async def test_a_link_that_loses_one_in_five_does_not_last(self) -> None:
        shown, step = await watched(with_controls(), first=losing(5), second=losing(5))
        assert shown is None
        assert step.failure is not None
        assert (step.failure.error, step.detail["lost"], step.detail["loss"]) == ("packet_loss", 4, 0.2)

    @ON_ONE_LOOP
    async def test_a_little_loss_is_borne(self) -> None:
        shown, step = await watched(with_controls(), first=losing(10))
        assert shown
        assert step.detail["lost"] == 1

    async def test_a_resolver_that_never_answers_is_no_loss_of_the_link(self) -> None:
        shown, step = await watched(with_controls(), second=silent)
        assert shown
        assert (step.detail["sent"], step.detail["lost"]) == (10, 0)

    @pytest.mark.parametrize(
        "answer", [b"", b"\x01\x00" + bytes(8), bytes(9)], ids=["short", "question", "cut"]
    )
    async def test_what_is_no_answer_is_none(self, pki: Pki, answer: bytes) -> None:
        async with control(pki) as url:
            _, step = await watched(with_controls(url, pki=pki), first=lambda _: answer, second=silent)
        assert step.detail["method"] == "requests"


async def test_a_handover_shows_in_slow_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gap(*_: object) -> Count:
        return Count(sent=120, times=[0.045] * 117 + [0.11, 0.26, 0.31])

    monkeypatch.setattr("circumvent.transports.link_loss._by_requests", gap)
    shown, step = await watched(context(controls=NOTHING))
    assert shown
    assert (step.detail["slow"], step.detail["rtt_ms"], step.detail["max_ms"]) == (3, 45.0, 310.0)


class TestRequests:
    @pytest.fixture(autouse=True)
    def patience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A busy machine loses nothing on its own loopback."""
        monkeypatch.setattr("circumvent.transports.link_loss.LATE", 10.0)

    async def test_where_nobody_answers_questions_controls_are_fetched(self, pki: Pki) -> None:
        async with control(pki) as url:
            shown, step = await watched(with_controls(url, pki=pki), first=silent, second=silent)
        assert shown
        assert (step.detail["method"], step.detail["lost"]) == ("requests", 0)
        assert step.detail["sent"] not in (0, 1)

    async def test_with_controls_given_by_hand_nobody_else_is_asked(self, pki: Pki) -> None:
        def refuse(number: int) -> bytes | None:
            raise AssertionError(number)

        async with control(pki) as url:
            made = context(controls=by_hand(url), ca_file=pki.ca_file, limit=2.0)
            shown, step = await watched(made, first=refuse, second=refuse)
        assert shown
        assert (step.detail["method"], step.detail["lost"]) == ("requests", 0)

    async def test_a_link_through_which_nothing_comes_loses_everything(self) -> None:
        shown, step = await watched(with_controls(), first=silent, second=silent)
        assert shown is None
        assert step.failure is not None
        assert (step.failure.error, step.detail["loss"]) == ("packet_loss", 1.0)

    async def test_what_a_packet_met_on_the_way_is_not_the_failure_of_the_attempt(self, pki: Pki) -> None:
        async with control(pki) as url:
            made = with_controls(url, pki=pki)
            shown, _ = await watched(made, first=silent, second=silent)
        assert shown
        assert made.trace.attempt().failure is None
