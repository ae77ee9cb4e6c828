"""dnstt bridges behind resolvers of our own that have no bridge; dnstt-server: ``test_dnstt_daemons.py``."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import dns.message
import pytest

from circumvent.model.words import Proof
from tests.tor.dnstt.test_questions import answer
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from circumvent.model.record import Attempt

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def resolver(say: Callable[[bytes], bytes | None]) -> AsyncIterator[int]:
    """Serve answers over UDP; yield the port."""
    async with (
        await anyio.create_udp_socket(socket.AF_INET, local_host="127.0.0.1") as server,
        anyio.create_task_group() as group,
    ):

        async def serve() -> None:
            async for question, place in server:
                if (said := say(question)) is not None:
                    await server.sendto(said, *place)

        group.start_soon(serve)
        yield server.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def tried(say: Callable[[bytes], bytes | None], *, limit: float | None = 1.0) -> Attempt:
    async with resolver(say) as port:
        line = f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} pubkey={'09' + '00' * 31} domain=t.example.com"
        return await try_once(bridge(line), context(limit=limit))


def is_text(question: bytes) -> bool:
    return "TXT" in str(dns.message.from_wire(question).question[0])


@pytest.mark.parametrize(
    ("rcode", "error"), [(3, "dns_nxdomain_error"), (5, "dns_refused_error"), (2, "dns_servfail_error")]
)
async def test_a_resolver_that_says_no(rcode: int, error: str) -> None:
    """SERVFAIL is believed when it was said often: servers keep polls, and resolvers lose patience."""
    attempt = await tried(lambda question: answer(question, rcode=rcode), limit=4.0)
    assert failure_of(attempt) == ("recursion", error)
    assert attempt.proof is Proof.NONE


async def test_a_resolver_that_loses_patience_once() -> None:
    asked: list[bytes] = []

    def say(question: bytes) -> bytes:
        asked.append(question)
        return answer(question, rcode=2) if len(asked) < 2 else answer(question, b"")

    attempt = await tried(say)
    assert detail_of(attempt, "recursion")["types"][-1] == "TXT"
    assert failure_of(attempt) == ("noise_handshake", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED


async def test_a_resolver_that_lets_no_text_pass() -> None:
    """That it denies the address shows that it is not the server that is missing."""
    attempt = await tried(lambda question: None if is_text(question) else answer(question, rcode=3))
    assert failure_of(attempt) == ("recursion", "generic_timeout_error")
    assert detail_of(attempt, "recursion")["types"] == ["A"]
    assert attempt.proof is Proof.NONE


async def test_a_question_that_was_lost_is_asked_again() -> None:
    asked: list[bytes] = []

    def say(question: bytes) -> bytes | None:
        asked.append(question)
        return answer(question, b"") if len(asked) > 2 else None

    attempt = await tried(say, limit=3.0)
    assert attempt.proof is Proof.REACHED


async def test_a_resolver_that_answers_everything_itself() -> None:
    """A name that leads to its own page is no answer of a dnstt server."""
    attempt = await tried(lambda question: answer(question, b"hello"), limit=3.0)
    assert failure_of(attempt) == ("recursion", "wrong_answer")
    assert attempt.proof is Proof.NONE


async def test_an_injected_answer_before_the_true_one() -> None:
    """dnstt's own client would pass it over too."""
    places: list[Any] = []

    async with await anyio.create_udp_socket(socket.AF_INET, local_host="127.0.0.1") as server:

        async def serve() -> None:
            async for question, place in server:
                places.append(place)
                await server.sendto(answer(question, rcode=3), *place)
                await server.sendto(answer(question, b""), *place)

        port = server.extra(anyio.abc.SocketAttribute.local_port)
        line = f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} pubkey={'09' + '00' * 31} domain=t.example.com"
        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            attempt = await try_once(bridge(line), context(limit=1.0))
            group.cancel_scope.cancel()
    assert len(set(places)) == 1
    assert failure_of(attempt) == ("noise_handshake", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED


async def test_nobody_listens() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    line = f"dnstt 192.0.2.3:80 udp=127.0.0.1:{port} pubkey={'09' + '00' * 31} domain=t.example.com"
    attempt = await try_once(bridge(line), context(limit=1.0))
    assert failure_of(attempt) == ("recursion", "connection_refused")


async def test_long_names_that_are_dropped_are_why_nobody_shakes_hands() -> None:
    """A handshake fills its name; polls do not."""

    def say(question: bytes) -> bytes | None:
        name = dns.message.from_wire(question).question[0].name.to_text()
        if len(name) > 120:
            return None
        return (
            answer(question, b"") if is_text(question) and "9" not in name[:16] else answer(question, rcode=3)
        )

    attempt = await tried(say, limit=2.0)
    assert failure_of(attempt) == ("noise_handshake", "generic_timeout_error")
    assert attempt.steps[-1].name == "questions"
    assert detail_of(attempt, "questions")["names"] == [100]
    assert "TXT" in detail_of(attempt, "questions")["types"]
