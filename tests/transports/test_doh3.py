"""DNS over HTTP/3: what DoH over TCP is tested for, over QUIC."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
import trustme

from circumvent.model.words import Proof
from tests.faults.quic import Answer, Behaviour, configuration, doing_nothing, http3, quic_server
from tests.names.tries import attempt, context, plan
from tests.transports.quic_resolver import web
from tests.transports.quic_tries import NAME, failure_of, honest_answer, resolver_option

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from circumvent.model.record import Attempt
    from tests.faults.quic import Request, Serve

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


async def try_server(
    authority: trustme.CA,
    ca_file: Path,
    serve: Serve,
    *,
    method: str = "POST",
    behaviour: Behaviour | None = None,
    limit: float | None = None,
) -> Attempt:
    settings = configuration(authority.issue_cert(NAME), ("h3",))
    async with quic_server(settings, serve, behaviour) as served:
        given = context(plan(None), ca_file=ca_file, limit=limit)
        return await attempt(resolver_option("doh3", served.port, method=method), given)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_resolver_that_answers_is_sustained(
    authority: trustme.CA, ca_file: Path, method: str
) -> None:
    record = await try_server(authority, ca_file, http3(web(honest_answer)), method=method)

    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert record.bytes_received > 32 * 1024
    assert len([step for step in record.steps if step.name == "quic_handshake"]) == 1


async def portal(_request: Request) -> Answer:
    return Answer(body=b"<html>Please sign in", headers={"content-type": "text/html"})


async def forbidden(_request: Request) -> Answer:
    return Answer(403, b"no")


async def garbage(_request: Request) -> Answer:
    return Answer(body=b"\0\0garbage", headers={"content-type": "application/dns-message"})


async def cut(request: Request) -> Answer:
    whole = await web(honest_answer)(request)
    return dataclasses.replace(whole, stop_after=10)


async def endless(_request: Request) -> Answer:
    return Answer(body=bytes(200_000), headers={"content-type": "application/dns-message"})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (portal, "wrong_answer"),
        (forbidden, "http_unexpected_status_code"),
        (garbage, "wrong_answer"),
        (cut, "truncated_after_n_bytes"),
        (endless, "wrong_answer"),
    ],
)
async def test_what_is_no_answer_carries_nothing(
    authority: trustme.CA, ca_file: Path, answer: Callable[[Request], Awaitable[Answer]], error: str
) -> None:
    record = await try_server(authority, ca_file, http3(answer))

    assert failure_of(record) == ("carry", error)
    assert record.proof is Proof.HANDSHAKEN


async def test_a_stall_after_the_handshake_carries_nothing(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_server(authority, ca_file, doing_nothing, limit=0.4)

    assert failure_of(record) == ("carry", "generic_timeout_error")
    assert record.proof is Proof.HANDSHAKEN


async def test_loss_of_each_eighth_datagram_is_made_good(authority: trustme.CA, ca_file: Path) -> None:
    behaviour = Behaviour(keep=lambda _direction, count: count % 8 != 6)
    record = await try_server(authority, ca_file, http3(web(honest_answer)), behaviour=behaviour, limit=10.0)

    assert record.proof is Proof.SUSTAINED


async def test_an_option_without_a_url_is_a_mistake_of_ours() -> None:
    option = dataclasses.replace(resolver_option("doh3", 443), settings=None)
    with pytest.raises(TypeError):
        await attempt(option, context(plan(None)))
