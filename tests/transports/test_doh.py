"""DNS over HTTPS: given this server, expect this record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from tests.faults import tls
from tests.faults.dns import Honest, another_question, garbage, lying, refusing, stripping
from tests.faults.resolvers import doh
from tests.names.tries import attempt, context, detail, names_option, plan

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio
HONEST = Honest()


async def tried(
    behave: tls.Behaviour,
    pki: Pki,
    credentials: Credentials | None = None,
    *,
    method: str = "POST",
    alpn: tuple[str, ...] = ("h2",),
    limit: float | None = None,
    goal: Proof = Proof.SUSTAINED,
) -> Attempt:
    """Try a server that behaves so."""
    async with tls.serve(behave, tls.context_for(credentials or pki.good, alpn=alpn)) as served:
        names = plan(HONEST.anchor, canaries=("blocked.example",))
        clock = Clock(started_wall=1_800_000_000.0)  # for DNSSEC; certificates are verified at the real time
        given = context(names, ca_file=pki.ca_file, limit=limit, goal=goal, clock=clock)
        return await attempt(names_option("doh", "127.0.0.1", served.port, method=method), given)


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_an_honest_resolver_is_sustained(method: str, pki: Pki) -> None:
    record = await tried(doh(HONEST), pki, method=method)
    assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
    assert detail(record, "carry")["dnssec"] == "proved"


async def test_lies_about_canaries_stand_beside_an_honest_root(pki: Pki) -> None:
    record = await tried(doh(lying(HONEST, "blocked.example.", "10.10.34.36")), pki)
    assert detail(record, "carry")["dnssec"] == "proved"
    assert detail(record, "honesty")["canaries"][0]["addresses"] == ["10.10.34.36"]


async def test_stripped_signatures_are_told(pki: Pki) -> None:
    record = await tried(doh(stripping(HONEST)), pki, goal=Proof.CARRIED)
    assert detail(record, "carry")["dnssec"] == "stripped"


@pytest.mark.parametrize("label", ["expired", "self_signed", "unknown_authority", "wrong_name"])
async def test_a_certificate_that_proves_nothing(label: str, pki: Pki) -> None:
    record = await tried(doh(HONEST), pki, getattr(pki, label))
    assert record.failure is not None
    assert record.failure.step == "tls_handshake"
    assert record.failure.error.startswith("ssl_")
    assert record.proof is Proof.REACHED


@pytest.mark.parametrize(
    ("behave", "error", "proof"),
    [
        (doh(HONEST, status="404"), "http_unexpected_status_code", Proof.HANDSHAKEN),
        (doh(HONEST, status="403"), "http_unexpected_status_code", Proof.HANDSHAKEN),
        (doh(HONEST, status="502"), "origin_down", Proof.HANDSHAKEN),
        (doh(HONEST, media_type="text/html"), "wrong_answer", Proof.HANDSHAKEN),
        (doh(garbage), "wrong_answer", Proof.HANDSHAKEN),
        (doh(another_question(HONEST)), "wrong_answer", Proof.HANDSHAKEN),
        (doh(refusing("SERVFAIL")), "dns_servfail_error", Proof.HANDSHAKEN),
        (doh(lying(HONEST, ".", "192.0.2.99")), "wrong_answer", Proof.HANDSHAKEN),
        (tls.http2(tls.reset_stream), "http_request_failed", Proof.REACHED),
        (tls.http2(lambda _connection, _stream: None), "generic_timeout_error", Proof.REACHED),
    ],
)
async def test_what_must_not_pass(behave: tls.Behaviour, error: str, proof: Proof, pki: Pki) -> None:
    record = await tried(behave, pki, limit=0.5)
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("carry", error)
    assert record.proof is proof


async def test_a_login_page_over_http_1(pki: Pki) -> None:
    page = b"<html>please log in</html>"
    record = await tried(tls.status(200, page), pki, alpn=("http/1.1",))
    assert record.failure is not None
    assert record.failure.error == "wrong_answer"
    assert not record.carried
