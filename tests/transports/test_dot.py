"""DNS over TLS: given this server, expect this record."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from tests.faults import tls
from tests.faults.dns import Honest, another_id, another_question, garbage, lying, refusing, silent, stripping
from tests.faults.resolvers import blurt, dot
from tests.names.tries import attempt, context, detail, names_option, plan

if TYPE_CHECKING:
    import dns.message

    from circumvent.model.record import Attempt
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio
HONEST = Honest("nsec")


async def tried(
    behave: tls.Behaviour,
    pki: Pki,
    credentials: Credentials | None = None,
    *,
    limit: float | None = None,
    goal: Proof = Proof.SUSTAINED,
    idle: float | None = None,
) -> Attempt:
    """Try a server that behaves so."""
    server_context = tls.context_for(credentials or pki.good, alpn=("dot",))
    async with tls.serve(behave, server_context) as served:
        names = plan(HONEST.anchor, canaries=("blocked.example",))
        clock = Clock(started_wall=1_800_000_000.0)  # for DNSSEC; certificates are verified at the real time
        given = context(names, ca_file=pki.ca_file, limit=limit, goal=goal, clock=clock, idle=idle)
        return await attempt(names_option("dot", "127.0.0.1", served.port), given)


async def test_an_honest_resolver_is_sustained(pki: Pki) -> None:
    record = await tried(dot(HONEST), pki)
    assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
    assert detail(record, "carry")["dnssec"] == "proved"
    assert detail(record, "tls_handshake")["alpn"] == "dot"
    assert record.down_kbps is not None
    assert record.fidelity.tls == "openssl"


async def test_lies_about_canaries_stand_beside_an_honest_root(pki: Pki) -> None:
    record = await tried(dot(lying(HONEST, "blocked.example.", "10.10.34.36")), pki)
    assert detail(record, "carry")["dnssec"] == "proved"
    listed, _, below = detail(record, "honesty")["canaries"]
    assert listed["addresses"] == below["addresses"] == ["10.10.34.36"]


async def test_stripped_signatures_are_told(pki: Pki) -> None:
    record = await tried(dot(stripping(HONEST)), pki, goal=Proof.CARRIED)
    assert detail(record, "carry")["dnssec"] == "stripped"


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("expired", "ssl_expired"),
        ("not_yet_valid", "ssl_not_yet_valid"),
        ("self_signed", "ssl_unknown_authority"),
        ("unknown_authority", "ssl_unknown_authority"),
        ("wrong_name", "ssl_invalid_hostname"),
    ],
)
async def test_a_certificate_that_proves_nothing(label: str, error: str, pki: Pki) -> None:
    record = await tried(dot(HONEST), pki, getattr(pki, label))
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("tls_handshake", error)
    assert record.proof is Proof.REACHED
    assert record.step("carry") is None


@pytest.mark.parametrize(
    ("behave", "step", "error"),
    [
        (tls.silent, "tls_handshake", "generic_timeout_error"),
        (tls.reset_on_hello, "tls_handshake", "connection_reset"),
        (tls.garbage, "tls_handshake", "wrong_answer"),
        (tls.stall_after_handshake, "carry", "generic_timeout_error"),
        (tls.close_notify_at_once, "carry", "eof_error"),
        (dot(silent), "carry", "generic_timeout_error"),
        (dot(garbage), "carry", "dns_reply_with_wrong_query_id"),
        (dot(another_id(HONEST)), "carry", "dns_reply_with_wrong_query_id"),
        (dot(another_question(HONEST)), "carry", "wrong_answer"),
        (dot(refusing("REFUSED")), "carry", "dns_refused_error"),
        (dot(lying(HONEST, ".", "192.0.2.99")), "carry", "wrong_answer"),
        (blurt(b"HTTP/1.1 200 OK\r\n\r\n<html>login</html>"), "carry", "wrong_answer"),
        (blurt(b"\x00\x80" + bytes(20)), "carry", "truncated_after_n_bytes"),
    ],
)
async def test_what_must_not_pass(behave: tls.Behaviour, step: str, error: str, pki: Pki) -> None:
    record = await tried(behave, pki, limit=0.4)
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == (step, error)
    assert not record.carried


async def test_tls_alone_is_not_handshaken(pki: Pki) -> None:
    record = await tried(tls.stall_after_handshake, pki, limit=0.3)
    assert record.proof is Proof.REACHED


async def test_a_flow_cut_after_sixteen_kib_carries(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("circumvent.names.sustain.STREAM_LIMIT", 0.5)
    record = await tried(dot(HONEST, stop_after=16 * 1024), pki)
    assert record.proof is Proof.CARRIED
    assert record.failure is not None
    assert record.failure.step == "sustain_down"
    assert record.cut_bytes is not None


@pytest.mark.parametrize("goal", [Proof.CARRIED, Proof.SUSTAINED])
async def test_after_a_pause_one_more_question_goes_over_the_same_connection(goal: Proof, pki: Pki) -> None:
    record = await tried(dot(HONEST), pki, goal=goal, idle=0.05)
    step = record.steps[-1]
    assert (step.name, step.failure, step.detail["seconds"]) == ("idle", None, 0.05)
    assert step.t - step.t0 >= 0.05
    assert sum(one.name == "connect" for one in record.steps) == 1


async def test_what_is_wrong_after_a_pause_is_told_and_it_has_carried(pki: Pki) -> None:
    seen: Counter[str] = Counter()

    def behave(query: dns.message.Message, transport: str) -> list[bytes]:
        seen[str(query.question[0])] += 1
        again = seen[str(query.question[0])] > 1
        return (another_question(HONEST) if again else HONEST)(query, transport)

    record = await tried(dot(behave), pki, goal=Proof.CARRIED, idle=0.05)
    assert record.proof is Proof.CARRIED
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("idle", "wrong_answer")
