"""Given a server that fails in this way, expect this record: one table for TLS and HTTP over it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import StepFailed
from circumvent.net.http import open_http
from circumvent.net.sock import connect_tcp
from circumvent.net.timeouts import Timeouts
from circumvent.net.tls import TlsConfig, TrustStore, start_tls
from circumvent.net.trace import Trace
from tests.faults import tls as faults

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.faults.tls import Behaviour
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio

NAME = "lab.example"
#: Seconds for a step that can only end by its limit, and for one that must not.
SHORT, LONG = 0.3, 10.0


@dataclass(frozen=True, kw_only=True)
class Row:
    """A behaviour and what the record must say: the step that failed, the word, and facts of that step.

    ``facts`` are compared one by one; ``None`` as a value means that the fact is absent.
    """

    server: Behaviour
    step: str | None
    error: str | None = None
    detail: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    proof: Proof = Proof.REACHED
    credentials: str = "good"
    version: ssl.TLSVersion | None = None
    client_certificate: bool = False
    http2: bool = False
    limit: float = LONG


SHAKE, CARRY = "tls_handshake", "carry"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
NOTHING: dict[str, Any] = {"received": 0, "first_bytes": None, "sha256": None}

TABLE = {
    "good": Row(server=faults.answer, step=None, facts={"version": "TLSv1.3", "alpn": "http/1.1"}),
    "good, TLS 1.2": Row(server=faults.answer, step=None, version=V12, facts={"version": "TLSv1.2"}),
    "good, RSA": Row(server=faults.answer, step=None, credentials="rsa"),
    "good, HTTP/2": Row(server=faults.http2(faults.good_http2), step=None, http2=True),
    # Before the ServerHello.
    "silent": Row(server=faults.silent, step=SHAKE, error="generic_timeout_error", facts=NOTHING, proof=Proof.NONE, limit=SHORT),
    "stall on hello": Row(server=faults.stall_on_hello, step=SHAKE, error="generic_timeout_error", facts=NOTHING, proof=Proof.NONE, limit=SHORT),
    "reset on accept": Row(server=faults.reset_on_accept, step=SHAKE, error="connection_reset", facts=NOTHING, proof=Proof.NONE),
    "reset on hello": Row(server=faults.reset_on_hello, step=SHAKE, error="connection_reset", facts=NOTHING, proof=Proof.NONE),
    "fin on accept": Row(server=faults.fin_on_accept, step=SHAKE, error="eof_error", facts=NOTHING, proof=Proof.NONE),
    "fin on hello": Row(server=faults.fin_on_hello, step=SHAKE, error="eof_error", detail="without close_notify", facts=NOTHING, proof=Proof.NONE),
    # In place of a ServerHello.
    "garbage": Row(server=faults.garbage, step=SHAKE, error="wrong_answer", detail="other in place of TLS", facts={"first_bytes": "other"}, proof=Proof.NONE),
    "plain HTTP": Row(server=faults.plain_http, step=SHAKE, error="wrong_answer", detail="http in place of TLS", facts={"first_bytes": "http"}, proof=Proof.NONE),
    "SSH": Row(server=faults.ssh_banner, step=SHAKE, error="wrong_answer", facts={"first_bytes": "ssh"}, proof=Proof.NONE),
    "alert 40": Row(server=faults.alert(40), step=SHAKE, error="ssl_failed_handshake", facts={"alert": 40, "first_bytes": "alert", "received": 7}),
    "alert 70": Row(server=faults.alert(70), step=SHAKE, error="ssl_failed_handshake", facts={"alert": 70}),
    "alert 80": Row(server=faults.alert(80), step=SHAKE, error="ssl_failed_handshake", facts={"alert": 80}),
    "alert 112": Row(server=faults.alert(112), step=SHAKE, error="ssl_failed_handshake", facts={"alert": 112}),
    "alert, then reset": Row(server=faults.alert_then_reset, step=SHAKE, error="ssl_failed_handshake", facts={"alert": 40}),
    "only TLS 1.0": Row(server=faults.answer, step=SHAKE, error="ssl_failed_handshake", version=ssl.TLSVersion.TLSv1, facts={"alert": 70}),
    # In the middle of the handshake.
    "stall after ServerHello": Row(server=faults.stall_after_server_hello, step=SHAKE, error="generic_timeout_error", facts={"first_bytes": None, "sha256": None}, limit=SHORT),
    "stall in TLS 1.2 after ServerHello": Row(server=faults.stall_after_server_hello, step=SHAKE, error="generic_timeout_error", version=V12, limit=SHORT),
    "half a hello, then stall": Row(server=faults.half_hello_then_stall, step=SHAKE, error="generic_timeout_error", facts={"received": 40}, limit=SHORT),
    "half a hello, then reset": Row(server=faults.half_hello_then_reset, step=SHAKE, error="connection_reset", facts={"received": 40}),
    "half a hello, then FIN": Row(server=faults.half_hello_then_fin, step=SHAKE, error="eof_error", facts={"received": 40}),
    # Certificates.
    "expired": Row(server=faults.answer, step=SHAKE, error="ssl_expired", credentials="expired", facts={"subject": "expired"}),
    "expired, TLS 1.2": Row(server=faults.answer, step=SHAKE, error="ssl_expired", credentials="expired", version=V12, facts={"subject": "expired", "version": "TLSv1.2"}),
    "not yet valid": Row(server=faults.answer, step=SHAKE, error="ssl_not_yet_valid", credentials="not_yet_valid"),
    "self-signed": Row(server=faults.answer, step=SHAKE, error="ssl_unknown_authority", detail="self_signed", credentials="self_signed", facts={"os_trusted": False, "chain_length": 1}),
    "unknown authority": Row(server=faults.answer, step=SHAKE, error="ssl_unknown_authority", detail="self_signed_root", credentials="unknown_authority", facts={"os_trusted": False, "top_issuer": "circumvent stranger"}),
    "wrong name": Row(server=faults.answer, step=SHAKE, error="ssl_invalid_hostname", credentials="wrong_name", facts={"os_trusted": None}),
    "wrong name, TLS 1.2": Row(server=faults.answer, step=SHAKE, error="ssl_invalid_hostname", credentials="wrong_name", version=V12),
    "300 other names": Row(server=faults.answer, step=SHAKE, error="ssl_invalid_hostname", credentials="long_list"),
    # A refusal that arrives when everything looked done (TLS 1.3), or during the handshake (TLS 1.2).
    "client certificate wanted": Row(server=faults.answer, step=CARRY, error="auth_rejected", client_certificate=True, version=V13),
    "client certificate wanted, TLS 1.2": Row(server=faults.answer, step=SHAKE, error="ssl_failed_handshake", client_certificate=True, version=V12),
    # After the handshake.
    "reset after handshake": Row(server=faults.reset_after_handshake, step=CARRY, error="connection_reset"),
    "fin after handshake": Row(server=faults.fin_after_handshake, step=CARRY, error="eof_error", detail="without close_notify"),
    "close_notify after handshake": Row(server=faults.close_notify_after_handshake, step=CARRY, error="eof_error", detail="the server closed the connection"),
    "close_notify at once": Row(server=faults.close_notify_at_once, step=CARRY, error="eof_error"),
    "stall after handshake": Row(server=faults.stall_after_handshake, step=CARRY, error="generic_timeout_error", limit=SHORT),
    "broken record": Row(server=faults.broken_record, step=CARRY, error="ssl_failed_handshake"),
    "garbage in place of HTTP": Row(server=faults.says(b"\x00\x93 not HTTP\r\n\r\n"), step=CARRY, error="wrong_answer", detail="the answer is no HTTP"),
    "endless headers": Row(server=faults.endless_headers, step=CARRY, error="wrong_answer"),
    "endless body": Row(server=faults.endless_body, step=CARRY, error="wrong_answer", detail="the body is longer than 200000 bytes"),
    # A body that is cut.
    "body cut by FIN": Row(server=faults.cut_body(20_000, "fin"), step=CARRY, error="truncated_after_n_bytes", detail="20000 bytes of the body had arrived"),
    "body cut by close_notify": Row(server=faults.cut_body(20_000, "notify"), step=CARRY, error="truncated_after_n_bytes", detail="20000 bytes of the body had arrived"),
    "body cut by RST": Row(server=faults.cut_body(20_000, "reset"), step=CARRY, error="truncated_after_n_bytes", detail="20000 bytes of the body had arrived"),
    "body that stops": Row(server=faults.cut_body(20_000, "stall"), step=CARRY, error="generic_timeout_error", limit=SHORT),
    "body cut at nought": Row(server=faults.cut_body(0, "fin"), step=CARRY, error="truncated_after_n_bytes", detail="0 bytes of the body had arrived"),
    # HTTP/2.
    "GOAWAY": Row(server=faults.http2(faults.goaway), step=CARRY, error="http_request_failed", detail="GOAWAY ENHANCE_YOUR_CALM", http2=True),
    "RST_STREAM": Row(server=faults.http2(faults.reset_stream), step=CARRY, error="http_request_failed", detail="RST_STREAM REFUSED_STREAM", http2=True),
    "HTTP/2 body cut": Row(server=faults.http2(faults.cut_http2), step=CARRY, error="truncated_after_n_bytes", detail="1000 bytes of the body had arrived", http2=True),
    "HTTP/1.1 in place of HTTP/2": Row(server=faults.says(faults.GOOD_ANSWER), step=CARRY, error="wrong_answer", http2=True),
    "FIN in place of HTTP/2": Row(server=faults.fin_after_handshake, step=CARRY, error="eof_error", http2=True),
}  # fmt: skip


@pytest.mark.parametrize("row", [pytest.param(row, id=name) for name, row in TABLE.items()])
async def test_a_behaviour_has_its_word(row: Row, pki: Pki) -> None:
    attempt, application = await attempt_at(row, pki)
    if row.step is None:
        assert attempt.failure is None
        assert attempt.steps[-1].name == CARRY
    else:
        assert attempt.failure is not None
        assert (attempt.failure.step, attempt.failure.error) == (row.step, row.error)
        assert attempt.steps[-1].name == row.step
    if row.detail is not None:
        assert attempt.failure is not None
        assert attempt.failure.detail == row.detail
    shake = attempt.step(SHAKE)
    assert shake is not None
    for key, value in row.facts.items():
        assert shake.detail.get(key) == value, key
    assert attempt.proof is row.proof
    if row.step == SHAKE:
        assert application == b"", "no byte of the application may leave before the peer is verified"
    assert attempt.fidelity.tls == "openssl"


async def attempt_at(row: Row, pki: Pki) -> tuple[Attempt, bytes]:
    """Try the server once: handshake, then a GET. Return the record and what the server got to read."""
    alpn = ("h2",) if row.http2 else ("http/1.1",)
    ca = pki.authority.pem if row.client_certificate else None
    credentials = getattr(pki, row.credentials)
    context = faults.context_for(credentials, version=row.version, alpn=alpn, client_ca=ca)
    trace = Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=row.limit)
    async with faults.serve(row.server, context) as served:
        raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
        try:
            await fetch(raw, trace, alpn, pki)
        except StepFailed:
            pass
        finally:
            await raw.aclose()
        return trace.attempt(), served.application


async def fetch(raw: Any, trace: Trace, alpn: tuple[str, ...], pki: Pki) -> None:
    trust = TrustStore.mozilla([pki.authority.pem])
    stream = await start_tls(
        raw, TlsConfig(server_name=NAME, verify_name=NAME, trust=trust, alpn=alpn), trace
    )
    session = open_http(stream, url=f"https://{NAME}/", http2=alpn == ("h2",), trace=trace)
    try:
        async with trace.step(CARRY):
            response = await session.request("GET", f"https://{NAME}/", max_body=200_000)
            assert response.body == faults.BODY
    finally:
        await session.aclose()
