"""The translation table, against servers that fail in that way and against codes from the specifications."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING, Any

import anyio
import dns.exception
import dns.message
import dns.rcode
import h2.exceptions
import httpcore
import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.model.failure import CERTIFICATE_FAILURES
from circumvent.model.option import Endpoint
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import PeerError, StepFailed
from circumvent.net.failure import (
    translate,
)
from circumvent.text import sanitise
from tests.faults import tcp
from tests.net.record import failure_of, last_step, new_trace, nothing_left

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.record import Json
    from circumvent.net.sock import UdpSocket
    from circumvent.net.trace import Trace

WORDS = {value for name, value in vars(failures).items() if name.isupper() and isinstance(value, str)}


def told(exc: BaseException) -> tuple[str, str | None]:
    failure = translate(exc, "connect")
    assert failure.error in WORDS
    return failure.error, failure.detail


# What TCP servers do: behaviour -> failure string, step, and facts that tell when and how.

CONNECTED: list[tuple[str, Callable[[tcp.Connection], None], str, str | None, dict[str, Json]]] = [
    ("RST on accept", tcp.reset_on_accept, failures.CONNECTION_RESET, None, {"ended": "rst", "received": 0}),
    (
        "RST on first bytes",
        tcp.reset_on_hello,
        failures.CONNECTION_RESET,
        None,
        {"ended": "rst", "received": 0},
    ),
    (
        "RST after half a reply",
        tcp.answer_then(b"half", tcp.Connection.reset),
        failures.CONNECTION_RESET,
        None,
        {"ended": "rst", "received": 4},
    ),
    ("FIN on accept", tcp.finish_on_accept, failures.EOF, None, {"ended": "fin", "received": 0}),
    ("FIN on first bytes", tcp.finish_on_hello, failures.EOF, None, {"ended": "fin", "received": 0}),
    (
        "FIN after half a reply",
        tcp.answer_then(b"half", tcp.Connection.finish),
        failures.EOF,
        None,
        {"ended": "fin", "received": 4},
    ),
    ("stall", tcp.stall, failures.GENERIC_TIMEOUT, None, {"received": 0, "sent": 5}),
    (
        "stall after half a reply",
        tcp.answer_then(b"half", tcp.Connection.stall),
        failures.GENERIC_TIMEOUT,
        None,
        {"received": 4},
    ),
]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def exchange(endpoint: Endpoint, trace: Trace, wanted: int = 8) -> bytes:
    """Send a hello and wait for ``wanted`` bytes, in a step called ``tls_handshake``, for half a second at most."""
    stream = await DirectDialer(None, policy=Policy(allow_private=True)).stream(endpoint, trace)  # type: ignore[arg-type]  # addresses only
    try:
        async with trace.step("tls_handshake", limit=0.5):
            received = b""
            await stream.send(b"hello")
            while len(received) < wanted:
                received += await stream.receive()
        return stream.first_bytes
    finally:
        await stream.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behaviour", "error", "detail", "facts"),
    [row[1:] for row in CONNECTED],
    ids=[row[0] for row in CONNECTED],
)
async def test_what_a_tcp_server_did_is_told_with_when_and_how(
    behaviour: Callable[[tcp.Connection], None], error: str, detail: str | None, facts: dict[str, Json]
) -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve(behaviour) as server, pytest.raises(StepFailed):
        await exchange(Endpoint(host=server.host, port=server.port), trace)
    failure = failure_of(trace)
    assert (failure.step, failure.error, failure.detail) == ("tls_handshake", error, detail)
    known = last_step(trace).detail["tcp"]
    assert isinstance(known, dict)
    assert {key: known[key] for key in facts} == facts
    assert ("ended" in facts) == ("ended" in known)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("behaviour", "start"),
    [(tcp.block_page, b"HTTP/1.1 302"), (tcp.login_page, b"HTTP/1.1 200"), (tcp.garbage, tcp.GARBAGE[:16])],
)
async def test_the_first_bytes_of_an_answer_are_kept(
    behaviour: Callable[[tcp.Connection], None], start: bytes
) -> None:
    with tcp.serve(behaviour) as server:
        first = await exchange(Endpoint(host=server.host, port=server.port), new_trace())
    assert first.startswith(start)


@pytest.mark.anyio
@pytest.mark.parametrize("end", [tcp.Connection.reset, tcp.Connection.finish, tcp.Connection.stall])
async def test_a_body_cut_on_its_way_is_counted_to_the_byte(end: Callable[[tcp.Connection], None]) -> None:
    trace = new_trace()
    with tcp.serve(tcp.cut_body(100_000, 20_000, end)) as server, pytest.raises(StepFailed):
        await exchange(Endpoint(host=server.host, port=server.port), trace, wanted=100_000)
    assert trace.bytes_received == 20_000 + len(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")


@pytest.mark.anyio
async def test_before_the_connection_stands() -> None:
    refused, silent = new_trace(), new_trace(limit=0.05)
    with tcp.refuse() as server, pytest.raises(StepFailed):
        await exchange(Endpoint(host=server.host, port=server.port), refused)
    with tcp.silence() as server, pytest.raises(StepFailed):
        await exchange(Endpoint(host=server.host, port=server.port), silent)
    assert (failure_of(refused).step, failure_of(refused).error) == ("connect", failures.CONNECTION_REFUSED)
    assert (failure_of(silent).step, failure_of(silent).error) == ("connect", failures.GENERIC_TIMEOUT)


@pytest.mark.anyio
async def test_a_closed_udp_port_is_refused_and_garbage_is_told_from_silence_by_its_count() -> None:
    dialer = DirectDialer(None, policy=Policy(allow_private=True))  # type: ignore[arg-type]  # addresses only
    refused = new_trace()
    with tcp.refuse(kind=socket.SOCK_DGRAM) as closed:
        datagrams = await dialer.datagram(Endpoint(host=closed.host, port=closed.port), refused)
        with pytest.raises(StepFailed):
            await ask(datagrams, refused)
        await datagrams.aclose()
    assert failure_of(refused).error == failures.CONNECTION_REFUSED
    for answer, count in ((tcp.silent_datagrams, 0), (tcp.garbage_datagrams, 1)):
        trace = new_trace(limit=0.5)
        with tcp.serve_datagrams(answer) as server:
            datagrams = await dialer.datagram(Endpoint(host=server.host, port=server.port), trace)
            with pytest.raises(StepFailed):
                await ask(datagrams, trace)
            await datagrams.aclose()
        assert (failure_of(trace).error, datagrams.received) == (failures.GENERIC_TIMEOUT, count)


async def ask(datagrams: UdpSocket, trace: Trace) -> None:
    """Send a datagram and wait for a sensible one, which none of these servers sends."""
    async with trace.step("quic_handshake"):
        await datagrams.send(b"x")
        while True:
            await datagrams.receive()


# The operating system.


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ECONNREFUSED, (failures.CONNECTION_REFUSED, None)),
        (errno.ECONNRESET, (failures.CONNECTION_RESET, None)),
        (errno.EPIPE, (failures.CONNECTION_RESET, "epipe")),
        (errno.ECONNABORTED, (failures.CONNECTION_ABORTED, None)),
        (errno.ETIMEDOUT, (failures.TIMED_OUT, None)),
        (errno.EHOSTUNREACH, (failures.HOST_UNREACHABLE, None)),
        (errno.ENETUNREACH, (failures.NETWORK_UNREACHABLE, None)),
        (errno.EINVAL, (failures.NETWORK_UNREACHABLE, "einval")),
        (errno.ENETDOWN, (failures.NETWORK_DOWN, None)),
        (errno.EADDRNOTAVAIL, (failures.ADDRESS_NOT_AVAILABLE, None)),
        (errno.EAFNOSUPPORT, (failures.ADDRESS_NOT_AVAILABLE, "eafnosupport")),
        (errno.EACCES, (failures.PERMISSION_DENIED, None)),
        (errno.EPERM, (failures.PERMISSION_DENIED, "eperm")),
        (errno.EMSGSIZE, (failures.MESSAGE_SIZE, None)),
        (errno.EMFILE, (failures.UNKNOWN, "emfile")),
        (9999, (failures.UNKNOWN, "errno 9999")),
    ],
)
def test_errors_of_the_operating_system(number: int, words: tuple[str, str | None]) -> None:
    assert told(OSError(number, "some words with 192.0.2.1 in them")) == words


def test_the_kernels_timeout_is_not_ours() -> None:
    assert told(TimeoutError())[0] == failures.GENERIC_TIMEOUT
    assert told(OSError(errno.ETIMEDOUT, "x"))[0] == failures.TIMED_OUT


def test_what_getaddrinfo_says() -> None:
    assert told(socket.gaierror(socket.EAI_NONAME, "x"))[0] == failures.DNS_NXDOMAIN
    assert told(socket.gaierror(socket.EAI_AGAIN, "x"))[0] == failures.DNS_SERVFAIL
    assert told(socket.gaierror(socket.EAI_FAIL, "x"))[0] == failures.DNS_MISBEHAVING


# Wrappers.


def test_wrappers_are_opened_by_cause_and_never_by_context() -> None:
    broken = anyio.BrokenResourceError()
    broken.__cause__ = ConnectionResetError(errno.ECONNRESET, "x")
    assert told(broken) == (failures.CONNECTION_RESET, None)
    ended = anyio.EndOfStream()
    ended.__context__ = ssl.SSLWantReadError(errno.ENOENT, "the state that any TLS pump is in")
    assert told(ended) == (failures.EOF, None)
    unknown = RuntimeError()
    unknown.__context__ = ConnectionResetError(errno.ECONNRESET, "x")
    assert told(unknown)[0] == failures.UNKNOWN


def test_groups_are_opened_and_the_member_that_tells_something_is_told() -> None:
    group = ExceptionGroup(
        "x", [RuntimeError(), ExceptionGroup("y", [PeerError(failures.WRONG_ANSWER, "why")])]
    )
    assert told(group) == (failures.WRONG_ANSWER, "why")
    assert told(ExceptionGroup("x", [RuntimeError()])) == (failures.UNKNOWN, "ExceptionGroup")


def test_a_chain_without_end_ends() -> None:
    first, second = RuntimeError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    assert told(first)[0] == failures.UNKNOWN


def test_our_own_errors_keep_their_words_made_harmless() -> None:
    assert told(PeerError(failures.WRONG_ANSWER, "\x1b[2J" + "x" * 500))[1] == "\\x1b[2J" + "x" * 192 + "…"


# TLS: a real handshake in memory for each row.


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str = "a.test") -> BaseException:
    """Run a handshake in memory and one byte back; return what the client raised."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    inside = client.wrap_bio(to_client, to_server, server_hostname=name)
    outside = server.wrap_bio(to_server, to_client, server_side=True)
    done = [False, False]
    for _ in range(20):
        try:
            if done[0]:
                inside.read(1)
            inside.do_handshake()
            done[0] = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as exc:
            return exc
        try:
            if not done[1]:
                outside.do_handshake()
                done[1] = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            done[1] = True  # its alert is on the way
    raise AssertionError("the handshake ended well")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def contexts(authority: trustme.CA, *, name: str = "a.test", trusted: bool = True) -> tuple[Any, Any]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(server)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    (authority if trusted else trustme.CA()).configure_trust(client)
    return client, server


def test_certificates(authority: trustme.CA) -> None:
    assert told(handshake(*contexts(authority, trusted=False)))[0] == failures.SSL_UNKNOWN_AUTHORITY
    assert told(handshake(*contexts(authority, name="b.test"))) == (failures.SSL_INVALID_HOSTNAME, None)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (9, failures.SSL_NOT_YET_VALID),
        (10, failures.SSL_EXPIRED),
        (18, failures.SSL_UNKNOWN_AUTHORITY),
        (19, failures.SSL_UNKNOWN_AUTHORITY),
        (20, failures.SSL_UNKNOWN_AUTHORITY),
        (21, failures.SSL_UNKNOWN_AUTHORITY),
        (62, failures.SSL_INVALID_HOSTNAME),
        (64, failures.SSL_INVALID_HOSTNAME),
        (23, failures.SSL_INVALID_CERTIFICATE),
    ],
)
def test_verification_results(code: int, error: str) -> None:
    exc = ssl.SSLCertVerificationError(1, "x")
    exc.verify_code = code
    assert told(exc)[0] == error
    assert error in CERTIFICATE_FAILURES


def test_a_server_that_wants_a_client_certificate_rejects_us(authority: trustme.CA) -> None:
    client, server = contexts(authority)
    server.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server)
    assert told(handshake(client, server)) == (failures.AUTH_REJECTED, "alert certificate_required")


def test_a_server_of_another_version_and_one_that_knows_no_such_name(authority: trustme.CA) -> None:
    client, server = contexts(authority)
    client.maximum_version, server.minimum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    assert told(handshake(client, server)) == (failures.SSL_FAILED_HANDSHAKE, "alert protocol_version")
    client, server = contexts(authority)
    server.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    assert told(handshake(client, server)) == (failures.SSL_FAILED_HANDSHAKE, "alert unrecognized_name")


@pytest.mark.parametrize("answer", [tcp.BLOCK_PAGE, tcp.LOGIN_PAGE, tcp.GARBAGE, b"SSH-2.0-x\r\n"])
def test_what_is_no_tls_is_said_to_be_none(answer: bytes) -> None:
    incoming = ssl.MemoryBIO()
    incoming.write(answer)
    tls = ssl.create_default_context().wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="a.test")
    with pytest.raises(ssl.SSLError) as caught:
        tls.do_handshake()
    error, detail = told(caught.value)
    assert error == failures.SSL_FAILED_HANDSHAKE
    assert detail is not None
    assert detail.startswith("not TLS")


def test_an_end_without_close_notify_is_told_from_one_with_it() -> None:
    assert told(ssl.SSLEOFError(8, "x")) == (failures.EOF, "without close_notify")
    assert told(ssl.SSLZeroReturnError(6, "x")) == (failures.EOF, "close_notify")
    assert told(anyio.EndOfStream()) == (failures.EOF, None)


# Other libraries.


@pytest.mark.parametrize(
    ("exc", "words"),
    [
        (
            httpcore.RemoteProtocolError("illegal status line: bytearray(b'x')"),
            (failures.WRONG_ANSWER, "not HTTP"),
        ),
        (
            httpcore.RemoteProtocolError("Server disconnected without sending a response."),
            (failures.EOF, "no response"),
        ),
        (
            httpx.RemoteProtocolError(
                "peer closed connection without sending complete message body (received 19000 bytes, expected 65536)"
            ),
            (failures.TRUNCATED, "19000 bytes of the body"),
        ),
        (
            httpcore.RemoteProtocolError("<StreamReset stream_id:1, error_code:2>"),
            (failures.HTTP_REQUEST_FAILED, "stream reset"),
        ),
        (httpcore.RemoteProtocolError("<ConnectionTerminated error_code:0>"), (failures.EOF, "goaway")),
        (httpx.ReadTimeout("x"), (failures.GENERIC_TIMEOUT, None)),
        (httpx.ReadError("x"), (failures.CONNECTION_RESET, None)),
        (httpx.DecodingError("x"), (failures.WRONG_ANSWER, None)),
        (h2.exceptions.FrameTooLargeError("x"), (failures.WRONG_ANSWER, None)),
        (dns.message.ShortHeader(), (failures.DNS_MISBEHAVING, None)),  # type: ignore[no-untyped-call]  # dnspython's own base
        (dns.exception.Timeout(), (failures.GENERIC_TIMEOUT, None)),  # type: ignore[no-untyped-call]  # dnspython's own base
        (anyio.ClosedResourceError(), (failures.CONNECTION_ABORTED, "closed here")),
        (KeyError("secret"), (failures.UNKNOWN, "KeyError")),
    ],
)
def test_errors_of_other_libraries(exc: Exception, words: tuple[str, str | None]) -> None:
    assert told(exc) == words


def test_an_http_error_with_a_cause_is_told_by_its_cause() -> None:
    exc = httpx.ConnectError("All connection attempts failed")
    exc.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, "x")
    assert told(exc)[0] == failures.CONNECTION_REFUSED


def test_a_quic_error_is_told_by_its_code() -> None:
    from aioquic.quic.connection import QuicConnectionError

    exc = QuicConnectionError(error_code=0x128, frame_type=6, reason_phrase="192.0.2.1 said no")
    assert told(exc) == (failures.SSL_FAILED_HANDSHAKE, "alert handshake_failure")


@given(st.text(), st.text(), st.integers())
def test_nothing_foreign_gets_through_raw(error: str, text: str, code: int) -> None:
    for exc in (PeerError(error, text), RuntimeError(text), OSError(code, text), ssl.SSLError(code, text)):
        detail = translate(exc, "carry").detail
        assert detail is None or detail == sanitise(detail, 200)
