"""WebTunnel bridges against web sites of our own; nginx: ``test_tor_daemons.py``."""

from __future__ import annotations

import pytest

from circumvent.model.words import Proof
from tests.faults import proxy as faults
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

pytestmark = pytest.mark.anyio


def line(port: int) -> str:
    return f"webtunnel 192.0.2.3:1 url=http://127.0.0.1:{port}/secret"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "http_unexpected_status_code"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "origin_down"),
        (b"HTTP/1.1 200 OK\r\n\r\n<html>sign in</html>", "http_unexpected_status_code"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", "wrong_answer"),
        (b"SSH-2.0-OpenSSH_9\r\n", "wrong_answer"),
    ],
)
async def test_a_site_that_does_not_upgrade(answer: bytes, error: str) -> None:
    async def site(link: faults.Link) -> None:
        request = await link.stream.receive()
        assert request.startswith(b"GET /secret HTTP/1.1\r\nHost: 127.0.0.1:")
        await link.send(answer)

    async with faults.serving(site) as served:
        attempt = await try_once(bridge(line(served.port)), context(limit=2.0))
    assert failure_of(attempt) == ("http_upgrade", error)
    assert not attempt.proof.at_least(Proof.HANDSHAKEN)


async def test_bytes_after_the_answer_belong_to_the_bridge() -> None:
    async def site(link: faults.Link) -> None:
        await link.stream.receive()
        await link.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nnot TLS at all"
        )
        await link.stream.receive()

    async with faults.serving(site) as served:
        attempt = await try_once(bridge(line(served.port)), context(limit=2.0))
    assert failure_of(attempt) is not None
    assert (failure_of(attempt) or ("", ""))[0] == "tor_tls"
    assert detail_of(attempt, "http_upgrade")["status"] == 101
    assert attempt.proof is Proof.REACHED
