"""DNS over QUIC: every rung against a server that keeps RFC 9250, and what must not pass for working."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme
from aioquic.quic.events import StreamDataReceived

from circumvent.model.words import Proof
from tests.faults.quic import Behaviour, configuration, dns_over_quic, doing_nothing, quic_server
from tests.names.tries import attempt, context, plan
from tests.transports.quic_tries import NAME, failure_of, honest, honest_answer, resolver_option

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aioquic.quic.events import QuicEvent

    from circumvent.model.record import Attempt
    from tests.faults.quic import App, Connection, Serve

pytestmark = pytest.mark.anyio

QUICK = 0.5  # seconds: the step limit where silence is expected
MONTH = timedelta(days=30)


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
    certificate: trustme.LeafCert,
    ca_file: Path,
    serve: Serve,
    behaviour: Behaviour | None = None,
    *,
    alpn: str = "doq",
    limit: float | None = None,
    goal: Proof = Proof.SUSTAINED,
) -> Attempt:
    async with quic_server(configuration(certificate, (alpn,)), serve, behaviour) as served:
        given = context(plan(None), ca_file=ca_file, limit=limit, goal=goal)
        return await attempt(resolver_option("doq", served.port), given)


async def test_a_resolver_that_answers_is_sustained(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_server(authority.issue_cert(NAME), ca_file, dns_over_quic(honest_answer))

    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert record.bytes_received > 32 * 1024
    assert record.fidelity.tls == "aioquic"
    assert record.latency_ms is not None


async def test_a_try_that_need_not_last_stops_earlier(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_server(
        authority.issue_cert(NAME), ca_file, dns_over_quic(honest_answer), goal=Proof.CARRIED
    )

    assert record.proof is Proof.CARRIED
    assert record.step("sustain_down") is None


def raw(reply: Callable[[Connection, int, bytes], None]) -> Serve:
    """Answer each whole question with what ``reply`` sends on its stream."""

    def serve(connection: Connection) -> App:
        asked: dict[int, bytes] = {}

        def app(event: QuicEvent) -> None:
            if isinstance(event, StreamDataReceived):
                asked[event.stream_id] = asked.get(event.stream_id, b"") + event.data
                if event.end_stream:
                    reply(connection, event.stream_id, asked.pop(event.stream_id)[2:])

        return app

    return serve


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


def another_id(connection: Connection, number: int, question: bytes) -> None:
    connection.quic.send_stream_data(number, framed(b"\x12\x34" + honest(question)[2:]), end_stream=True)


def truncated(connection: Connection, number: int, question: bytes) -> None:
    connection.quic.send_stream_data(number, framed(honest(question))[:-5], end_stream=True)


def empty(connection: Connection, number: int, _question: bytes) -> None:
    connection.quic.send_stream_data(number, b"", end_stream=True)


def twice(connection: Connection, number: int, question: bytes) -> None:
    connection.quic.send_stream_data(number, framed(honest(question)) * 2, end_stream=True)


def overloaded(connection: Connection, number: int, _question: bytes) -> None:
    connection.quic.reset_stream(number, 0x4)


def web_page(connection: Connection, number: int, _question: bytes) -> None:
    page = b"HTTP/1.1 200 OK\r\n\r\n<html>Welcome to the hotel</html>"
    connection.quic.send_stream_data(number, page, end_stream=True)


def another_question(connection: Connection, number: int, question: bytes) -> None:
    other = question[:12] + b"\x05other\x04test\x00" + b"\x00\x01\x00\x01"
    connection.quic.send_stream_data(
        number, framed(honest(other[:10] + bytes(2) + other[12:])), end_stream=True
    )


def leaving(connection: Connection, _number: int, _question: bytes) -> None:
    connection.quic.close(error_code=0x2)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (another_id, "wrong_answer"),
        (another_question, "wrong_answer"),
        (truncated, "eof_error"),
        (empty, "eof_error"),
        (twice, "wrong_answer"),
        (overloaded, "dns_server_misbehaving"),
        (web_page, "eof_error"),
        (leaving, "connection_aborted"),
    ],
)
async def test_what_is_no_answer_carries_nothing(
    authority: trustme.CA, ca_file: Path, reply: Callable[[Connection, int, bytes], None], error: str
) -> None:
    record = await try_server(authority.issue_cert(NAME), ca_file, raw(reply))

    assert failure_of(record) == ("carry", error)
    assert record.proof is Proof.HANDSHAKEN


@pytest.mark.parametrize(
    ("behaviour", "serve", "failure", "proof"),
    [
        (
            Behaviour(keep=lambda *_: False),
            doing_nothing,
            ("quic_handshake", "generic_timeout_error"),
            Proof.NONE,
        ),
        (Behaviour(), doing_nothing, ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        (
            Behaviour(reset_after=2),
            dns_over_quic(honest_answer),
            ("carry", "connection_reset"),
            Proof.HANDSHAKEN,
        ),
    ],
    ids=["dropped", "stall after the handshake", "stateless reset"],
)
async def test_what_falls_silent_or_dies(
    authority: trustme.CA,
    ca_file: Path,
    behaviour: Behaviour,
    serve: Serve,
    failure: tuple[str, str],
    proof: Proof,
) -> None:
    record = await try_server(authority.issue_cert(NAME), ca_file, serve, behaviour, limit=QUICK)

    assert failure_of(record) == failure
    assert record.proof is proof


async def test_a_flow_that_is_cut_has_carried_and_not_lasted(authority: trustme.CA, ca_file: Path) -> None:
    questions = 0

    def some(connection: Connection, number: int, question: bytes) -> None:
        nonlocal questions
        questions += 1
        if questions > 20:
            connection.quic.close(error_code=0x4)
        else:
            connection.quic.send_stream_data(number, framed(honest(question)), end_stream=True)

    record = await try_server(authority.issue_cert(NAME), ca_file, raw(some))

    assert record.proof is Proof.CARRIED
    assert failure_of(record) == ("sustain_down", "connection_aborted")
    assert record.cut_bytes


async def test_a_server_of_another_protocol_says_so(authority: trustme.CA, ca_file: Path) -> None:
    record = await try_server(authority.issue_cert(NAME), ca_file, doing_nothing, alpn="h3")

    assert failure_of(record) == ("quic_handshake", "ssl_failed_handshake")
    assert record.proof is Proof.REACHED


async def test_certificates_are_judged_as_over_tcp(authority: trustme.CA, ca_file: Path) -> None:
    long_ago = datetime.now(UTC) - MONTH
    cases = {
        "ssl_expired": authority.issue_cert(NAME, not_before=long_ago - MONTH, not_after=long_ago),
        "ssl_not_yet_valid": authority.issue_cert(NAME, not_before=datetime.now(UTC) + MONTH),
        "ssl_unknown_authority": trustme.CA().issue_cert(NAME),
        "ssl_invalid_hostname": authority.issue_cert("other.test"),
    }
    for error, certificate in cases.items():
        record = await try_server(certificate, ca_file, dns_over_quic(honest_answer))
        assert failure_of(record) == ("quic_handshake", error)
        assert record.proof is Proof.REACHED
