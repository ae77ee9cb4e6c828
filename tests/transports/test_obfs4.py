"""obfs4 bridges against a server of our own; real ones: ``test_tor_daemons.py``."""

from __future__ import annotations

import base64
import os

import anyio
import pytest

from circumvent.model.words import Proof
from tests.faults import proxy as faults
from tests.faults.obfs4 import Obfs4Server, Session
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

pytestmark = pytest.mark.anyio


def line(server: Obfs4Server, port: int) -> str:
    cert = base64.b64encode(server.node_id + server.public_key).decode("ascii").rstrip("=")
    return f"obfs4 127.0.0.1:{port} cert={cert} iat-mode=0"


async def test_the_layer_alone_proves_that_the_bridge_was_reached() -> None:
    async def hangs_up(session: Session) -> None:
        await session.receive()

    server = Obfs4Server(then=hangs_up, hours_ahead=1)
    async with faults.serving(server.serve) as served:
        attempt = await try_once(bridge(line(server, served.port)), context(limit=2.0))
    assert attempt.proof is Proof.REACHED
    assert failure_of(attempt) == ("tor_tls", "eof_error")
    assert detail_of(attempt, "obfs4_handshake") == {"iat_mode": 0, "hours_ahead": 1}


async def test_bytes_of_somebody_else() -> None:
    async def babble(link: faults.Link) -> None:
        await link.stream.receive()
        await link.send(os.urandom(10_000))
        await anyio.sleep_forever()

    async with faults.serving(babble) as served:
        attempt = await try_once(bridge(line(Obfs4Server(), served.port)), context(limit=2.0))
    assert failure_of(attempt) == ("obfs4_handshake", "wrong_key")
    assert attempt.proof is Proof.NONE


@pytest.mark.parametrize(
    ("behaviour", "error"), [(faults.silent, "generic_timeout_error"), (faults.hangs_up, "eof_error")]
)
async def test_silence_and_an_end(behaviour: object, error: str) -> None:
    assert callable(behaviour)
    async with faults.serving(behaviour) as served:
        attempt = await try_once(bridge(line(Obfs4Server(), served.port)), context(limit=0.5))
    step, said = failure_of(attempt) or ("", "")
    assert step == "obfs4_handshake"
    assert said in (error, "connection_reset")
    assert attempt.proof is Proof.NONE
