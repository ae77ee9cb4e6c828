"""meek bridges against fronts of our own; nginx: ``test_tor_daemons.py``."""

from __future__ import annotations

import pytest

from circumvent.model.words import Proof
from tests.faults import proxy as faults
from tests.transports.tor_context import bridge, context, failure_of, try_once

pytestmark = pytest.mark.anyio


def line(port: int) -> str:
    return f"meek_lite 192.0.2.20:80 url=http://host.example:{port}/secret front=127.0.0.1"


@pytest.mark.parametrize(
    ("answer", "step", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "meek_poll", "http_unexpected_status_code"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "meek_poll", "origin_down"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "meek_poll", "wrong_answer"),
        (b"", "meek_poll", "eof_error"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nnot TLS at al", "tor_tls", "wrong_answer"),
    ],
)
async def test_a_front_behind_which_there_is_no_bridge(answer: bytes, step: str, error: str) -> None:
    async def front(link: faults.Link) -> None:
        request = await link.stream.receive()
        assert request.startswith(b"POST /secret HTTP/1.1\r\n")
        assert b"\r\nhost: host.example:" in request.lower()
        await link.send(answer)
        if answer:
            await link.stream.receive()

    async with faults.serving(front) as served:
        attempt = await try_once(bridge(line(served.port)), context(limit=2.0))
    assert failure_of(attempt) == (step, error)
    assert not attempt.proof.at_least(Proof.HANDSHAKEN)


async def test_a_front_that_says_nothing() -> None:
    async with faults.serving(faults.silent) as served:
        attempt = await try_once(bridge(line(served.port)), context(limit=0.5))
    assert failure_of(attempt) == ("meek_poll", "generic_timeout_error")
    assert attempt.proof is Proof.NONE
