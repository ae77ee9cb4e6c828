"""Web pages over HTTP/3: the rungs, and what must not pass for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from circumvent.control import Bulk, ControlPlan
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry
from tests.faults.quic import Answer, Behaviour, Request, configuration, doing_nothing, http3, quic_server
from tests.names.tries import attempt, context, plan
from tests.transports.quic_tries import failure_of

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.record import Attempt
    from tests.faults.quic import Serve

pytestmark = pytest.mark.anyio

NAME = "page.test"


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


async def site(request: Request) -> Answer:
    """Answer by path, as the laboratory's control server does."""
    path = request.headers[":path"]
    if request.headers[":method"] == "POST":
        return Answer(body=str(len(request.body)).encode())
    if path.startswith("/bytes/"):
        return Answer(body=bytes(int(path[7:])))
    if path.startswith("/nonce/"):
        return Answer(body=path[7:].encode())
    if path.startswith("/status/"):
        return Answer(int(path[8:]))
    if path == "/cut":
        return Answer(body=bytes(60_000), stop_after=30_000)
    return Answer(body=b"<html>Please sign in")


def page(scheme: str, port: int, path: str) -> Option:
    return Option(
        id="h3-1",
        kind="h3",
        label="a page",
        endpoint=Endpoint(host=NAME, port=port, addresses=("127.0.0.1",)),
        origin=Origin(source="argument"),
        settings=WebSettings(url=f"{scheme}://{NAME}:{port}{path}"),
    )


async def try_page(
    authority: trustme.CA,
    ca_file: Path,
    path: str,
    *,
    serve: Serve | None = None,
    bulk: bool = False,
    behaviour: Behaviour | None = None,
    limit: float | None = None,
) -> Attempt:
    settings = configuration(authority.issue_cert(NAME), ("h3",))
    async with quic_server(settings, serve or http3(site), behaviour) as served:
        origin = f"{NAME}:{served.port}"
        option = page("https", served.port, path)
        controls = ControlPlan(bulk=Bulk.parse(f"https://{origin}/bytes/{{bytes}}") if bulk else None)
        return await attempt(option, context(plan(None), ca_file=ca_file, limit=limit, controls=controls))


@pytest.mark.parametrize("path", ["/nonce/{nonce}", "/status/204#status=204", "/nonce/abc#body=abc"])
async def test_a_page_that_is_as_stated_carries(authority: trustme.CA, ca_file: Path, path: str) -> None:
    record = await try_page(authority, ca_file, path)

    assert record.failure is None
    assert record.proof is Proof.CARRIED
    assert [step.name for step in record.steps] == ["connect", "quic_handshake", "carry"]
    assert record.latency_ms is not None


async def test_bytes_both_ways_on_the_same_connection_sustain(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_page(authority, ca_file, "/nonce/{nonce}", bulk=True)

    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert [step.name for step in record.steps][-2:] == ["sustain_down", "sustain_up"]
    assert record.bytes_received > 64 * 1024
    assert record.bytes_sent > 16 * 1024


@pytest.mark.parametrize(
    ("path", "error", "proof"),
    [
        ("/login#body=hello", "wrong_answer", Proof.HANDSHAKEN),
        ("/other?{nonce}", "wrong_answer", Proof.HANDSHAKEN),
        ("/status/200#status=204", "http_unexpected_status_code", Proof.HANDSHAKEN),
        ("/status/403", "http_unexpected_status_code", Proof.HANDSHAKEN),
        ("/status/502", "origin_down", Proof.REACHED),
        ("/cut#body=x", "truncated_after_n_bytes", Proof.REACHED),
    ],
)
async def test_another_page_carries_nothing(
    authority: trustme.CA, ca_file: Path, path: str, error: str, proof: Proof
) -> None:
    record = await try_page(authority, ca_file, path)

    assert failure_of(record) == ("carry", error)
    assert record.proof is proof


async def test_a_stall_after_the_handshake_carries_nothing(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_page(authority, ca_file, "/nonce/{nonce}", serve=doing_nothing, limit=0.4)

    assert failure_of(record) == ("carry", "generic_timeout_error")
    assert record.proof is Proof.REACHED


async def test_a_flow_that_is_cut_keeps_what_it_proved(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_page(
        authority, ca_file, "/nonce/{nonce}", bulk=True, behaviour=Behaviour(cut_after=30_000), limit=0.6
    )

    assert record.proof is Proof.CARRIED
    assert failure_of(record) == ("sustain_down", "truncated_after_n_bytes")
    assert record.cut_bytes
    assert record.cut_bytes <= 30_000


async def test_a_page_without_tls_is_not_tried() -> None:
    option = page("http", 443, "/")
    with pytest.raises(CannotTry) as refused:
        await attempt(option, context(plan(None), controls=ControlPlan()))

    assert refused.value.reason is Reason.UNSUPPORTED
