"""QUIC against servers that behave and servers that fail: given this peer, expect this record."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import anyio
import pytest
import trustme
from aioquic.quic.packet import encode_quic_version_negotiation

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import PeerError, StepFailed
from circumvent.net.quic import VERSION_1, VERSION_2, QuicConfig, QuicLink, open_quic
from circumvent.net.sock import connect_udp
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore, read_pem
from tests.faults.quic import Behaviour, answering, configuration, doing_nothing, echoing, quic_server
from tests.net.record import nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.faults.quic import App, Connection, Served

pytestmark = pytest.mark.anyio

NAME = "server.test"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
LONG_AGO = YESTERDAY - timedelta(days=30)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def trust(authority: trustme.CA) -> TrustStore:
    return TrustStore(read_pem(authority.cert_pem.bytes().decode()))


def trace_of(limit: float = 5.0) -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=limit)


async def connect(port: int, trace: Trace, trust: TrustStore, **changes: object) -> QuicLink:
    given: dict[str, object] = {
        "server_name": NAME,
        "verify_name": NAME,
        "trust": trust,
        "alpn": ("doq",),
    }
    config = QuicConfig(**(given | changes))  # type: ignore[arg-type]  # the types are those of the names above
    return await open_quic(await connect_udp("127.0.0.1", port, trace=trace), config, trace)


async def receive_all(stream: anyio.abc.ByteReceiveStream) -> bytes:
    data = b""
    while True:
        try:
            data += await stream.receive()
        except anyio.EndOfStream:
            return data


# What works.


async def test_a_good_server_is_shaken_hands_with(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)
        stream = await link.open_stream()
        await stream.finish(b"hello")

        assert await receive_all(stream) == b"hello"
        assert stream.first_byte is not None
        assert link.peer.alpn == "doq"
        await link.aclose()

    (step,) = trace.steps
    assert step.name == "quic_handshake"
    assert step.detail["version"] == "QUIC v1"
    assert step.detail["initial_packets"] == 1
    assert step.detail["chain_length"] == 1
    assert str(step.detail["ja4"]).startswith("q13d")
    assert trace.fidelity.tls == "aioquic"
    assert trace.proof is Proof.HANDSHAKEN
    assert trace.timeouts.round_trip is not None
    assert trace.bytes_sent >= 1200
    assert trace.bytes_received > 0


async def test_a_finished_handshake_is_not_yet_accepted(authority: trustme.CA, trust: TrustStore) -> None:
    """The peer may still refuse us after our Finished; its HANDSHAKE_DONE is what proves the rung."""
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)
        proof = trace.proof
        await link.aclose()

    assert proof is Proof.REACHED


@pytest.mark.parametrize("size", [1, 16_384, 300_000])
async def test_streams_carry_both_ways_at_once(authority: trustme.CA, trust: TrustStore, size: int) -> None:
    trace = trace_of()
    sent = [os.urandom(size) for _ in range(4)]
    got: dict[int, bytes] = {}

    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)

        async def one(number: int) -> None:
            stream = await link.open_stream()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stream.finish, sent[number])
                got[number] = await receive_all(stream)

        async with anyio.create_task_group() as tasks:
            for number in range(4):
                tasks.start_soon(one, number)
        await link.aclose()

    assert [got[number] for number in range(4)] == sent


async def test_retry_is_followed(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    async with quic_server(
        configuration(authority.issue_cert(NAME), ("doq",)), echoing, Behaviour(retry=True)
    ) as served:
        link = await connect(served.port, trace, trust)
        await link.aclose()

    assert trace.steps[0].failure is None
    assert trace.steps[0].detail["initial_packets"] == 2


async def test_a_server_of_version_2_is_spoken_to(authority: trustme.CA, trust: TrustStore) -> None:
    settings = configuration(authority.issue_cert(NAME), ("doq",))
    settings.supported_versions = [VERSION_2]
    trace = trace_of()
    async with quic_server(settings, echoing) as served:
        link = await connect(served.port, trace, trust)
        await link.aclose()

    assert trace.steps[0].detail["version"] == "QUIC v2"


@pytest.mark.parametrize("every", [3, 4, 5])
async def test_loss_is_made_good(authority: trustme.CA, trust: TrustStore, every: int) -> None:
    """A path that loses each third to fifth datagram, in both directions, still carries everything."""
    behaviour = Behaviour(keep=lambda _direction, count: count % every != every - 2)
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing, behaviour) as served:
        link = await connect(served.port, trace, trust)
        stream = await link.open_stream()
        with anyio.fail_after(20):
            await stream.finish(bytes(40_000))
            assert await receive_all(stream) == bytes(40_000)
        await link.aclose()

    assert trace.proof is Proof.HANDSHAKEN


async def test_without_sni_the_name_is_still_verified(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust, server_name=None)
        await link.aclose()

    assert str(trace.steps[0].detail["ja4"]).startswith("q13i")


async def test_closing_says_goodbye_once_and_does_not_wait(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)
        stream = await link.open_stream()
        await stream.finish(b"x")
        await receive_all(stream)
        before = trace.bytes_sent
        await link.aclose(0x3)
        await link.aclose(0x3)
        sent = trace.bytes_sent - before
        with anyio.fail_after(2):
            while served.connections[0]._close_event is None:
                await anyio.lowlevel.checkpoint()

    assert served.connections[0]._close_event.error_code == 0x3
    assert 0 < sent < 100
    with pytest.raises(anyio.ClosedResourceError):
        await link.wait(lambda: False)


async def test_an_idle_connection_stays(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)
        await link.idle(0.2)
        stream = await link.open_stream()
        await stream.finish(b"still here")

        assert await receive_all(stream) == b"still here"
        await link.aclose()


async def test_a_waiter_takes_over_when_the_one_that_drives_is_cancelled(
    authority: trustme.CA, trust: TrustStore
) -> None:
    trace = trace_of()
    got: list[bytes] = []
    async with quic_server(configuration(authority.issue_cert(NAME), ("doq",)), echoing) as served:
        link = await connect(served.port, trace, trust)
        silent, talking = await link.open_stream(), await link.open_stream()

        async def drive(scope: anyio.CancelScope) -> None:
            with scope:
                await silent.receive()

        async def follow() -> None:
            got.append(await receive_all(talking))

        scope = anyio.CancelScope()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(drive, scope)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(follow)
            await anyio.wait_all_tasks_blocked()
            scope.cancel()
            await talking.finish(b"after")
        await link.aclose()

    assert got == [b"after"]


# What fails during the handshake.


def negotiating(data: bytes) -> list[bytes]:
    source_length = data[6 + data[5]]
    source = data[7 + data[5] : 7 + data[5] + source_length]
    return [
        encode_quic_version_negotiation(
            source_cid=data[6 : 6 + data[5]],
            destination_cid=source,
            supported_versions=[0x0A0A0A0A, 0xFF00001D],
        )
    ]


def garbage(_data: bytes) -> list[bytes]:
    return [os.urandom(1200), b"HTTP/1.1 302 Found\r\n\r\n", b"\x41" + os.urandom(60)]


def refusing(code: int, reason: str = "") -> Callable[[Connection], App]:
    def serve(connection: Connection) -> App:
        connection.quic.close(error_code=code, frame_type=0, reason_phrase=reason)
        return lambda _event: None

    return serve


@dataclass(frozen=True)
class Case:
    """A server, and what the record must say about it."""

    name: str
    server: Callable[[trustme.CA], AbstractAsyncContextManager[Served]]
    error: str
    proof: Proof = Proof.REACHED
    limit: float = 5.0
    heard: bool = True


@asynccontextmanager
async def closed_port(_authority: trustme.CA) -> AsyncIterator[Served]:
    async with answering(lambda _data: []) as served:
        port = served.port
    served.port = port
    yield served


def serving(
    issue: Callable[[trustme.CA], trustme.LeafCert],
    alpn: tuple[str, ...] = ("doq",),
    serve: Callable[[Connection], App] = doing_nothing,
) -> Callable[[trustme.CA], AbstractAsyncContextManager[Served]]:
    return lambda authority: quic_server(configuration(issue(authority), alpn), serve)


def good(authority: trustme.CA) -> trustme.LeafCert:
    return authority.issue_cert(NAME)


CASES = [
    Case(
        "silence",
        lambda _: answering(lambda _data: []),
        failures.GENERIC_TIMEOUT,
        Proof.NONE,
        0.4,
        heard=False,
    ),
    Case("garbage", lambda _: answering(garbage), failures.GENERIC_TIMEOUT, Proof.NONE, 0.4),
    Case("closed port", closed_port, failures.CONNECTION_REFUSED, Proof.NONE, heard=False),
    Case("another version only", lambda _: answering(negotiating), failures.QUIC_INCOMPATIBLE_VERSION),
    Case(
        "expired",
        serving(lambda ca: ca.issue_cert(NAME, not_before=LONG_AGO, not_after=YESTERDAY)),
        failures.SSL_EXPIRED,
    ),
    Case(
        "not yet valid",
        serving(lambda ca: ca.issue_cert(NAME, not_before=datetime.now(UTC) + timedelta(days=2))),
        failures.SSL_NOT_YET_VALID,
    ),
    Case(
        "unknown authority", serving(lambda _: trustme.CA().issue_cert(NAME)), failures.SSL_UNKNOWN_AUTHORITY
    ),
    Case("another name", serving(lambda ca: ca.issue_cert("other.test")), failures.SSL_INVALID_HOSTNAME),
    Case(
        "a name list that fills packets",
        serving(
            lambda ca: ca.issue_cert(*[f"a-rather-long-label-{number}.other.test" for number in range(120)])
        ),
        failures.SSL_INVALID_HOSTNAME,
    ),
    Case("another protocol", serving(good, ("h3",)), failures.SSL_FAILED_HANDSHAKE),
    Case("connection refused frame", serving(good, serve=refusing(0x2)), failures.CONNECTION_REFUSED),
    Case("unrecognised name alert", serving(good, serve=refusing(0x170)), failures.SSL_FAILED_HANDSHAKE),
    Case("handshake failure alert", serving(good, serve=refusing(0x128)), failures.SSL_FAILED_HANDSHAKE),
    Case(
        "internal error",
        serving(good, serve=refusing(0x1, "idle timeout version")),
        failures.CONNECTION_ABORTED,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_how_a_handshake_fails(
    authority: trustme.CA, trust: TrustStore, case: Case, capfd: pytest.CaptureFixture[str]
) -> None:
    trace = trace_of(case.limit)
    async with case.server(authority) as served:
        began = anyio.current_time()
        with pytest.raises(StepFailed):
            await connect(served.port, trace, trust)
        took = anyio.current_time() - began

    assert trace.failure is not None
    assert trace.failure.step == "quic_handshake"
    assert trace.failure.error == case.error
    assert trace.proof is case.proof
    assert bool(trace.steps[0].detail["datagrams_received"]) is case.heard
    assert trace.steps[0].detail["initial_packets"] or case.error == failures.CONNECTION_REFUSED
    assert took < case.limit + 0.3
    if case.limit > 1:
        assert took < 0.5, "the failure was known half a second earlier"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("case", [CASES[6], CASES[7]], ids=lambda case: case.name)
async def test_an_impostor_hears_an_alert_and_nothing_else(
    authority: trustme.CA, trust: TrustStore, case: Case
) -> None:
    trace = trace_of()
    async with case.server(authority) as served:
        with pytest.raises(StepFailed):
            await connect(served.port, trace, trust)
        (theirs,) = served.connections
        with anyio.fail_after(2):
            while theirs._close_event is None:
                await anyio.lowlevel.checkpoint()

    assert theirs._close_event.error_code in {0x100 + 42, 0x100 + 48}
    assert theirs._close_event.reason_phrase == ""
    assert theirs._streams == {}
    assert not theirs._handshake_complete, "our Finished was withheld"
    assert trace.steps[0].detail["chain_length"] == 1


async def test_a_hash_that_is_not_in_the_chain_is_another_key(
    authority: trustme.CA, trust: TrustStore
) -> None:
    trace = trace_of()
    async with quic_server(configuration(good(authority), ("doq",)), echoing) as served:
        with pytest.raises(StepFailed) as failed:
            await connect(served.port, trace, trust, verify_name=None, certificate_hashes=(bytes(32),))

    assert failed.value.error == failures.WRONG_KEY


# What fails afterwards.


async def after_handshake(
    authority: trustme.CA,
    trust: TrustStore,
    serve: Callable[[Connection], App],
    behaviour: Behaviour,
    limit: float = 5.0,
) -> tuple[Trace, bytes]:
    """Send a question and read what comes; return the record and the bytes that came."""
    trace = trace_of(limit)
    got = b""
    async with quic_server(configuration(good(authority), ("doq",)), serve, behaviour) as served:
        link = await connect(served.port, trace, trust)
        try:
            async with trace.step("carry"):
                stream = await link.open_stream()
                await stream.finish(bytes(100_000))
                while True:
                    got += await stream.receive()
        except StepFailed:
            pass
        finally:
            await link.aclose()
    return trace, got


def closing(code: int) -> Callable[[Connection], App]:
    def serve(connection: Connection) -> App:
        def app(event: object) -> None:
            if hasattr(event, "stream_id"):
                connection.quic.close(error_code=code)

        return app

    return serve


def resetting(connection: Connection) -> App:
    def app(event: object) -> None:
        if getattr(event, "end_stream", False):
            connection.quic.reset_stream(0, 0x4)

    return app


AFTER = [
    ("stall", doing_nothing, Behaviour(), failures.GENERIC_TIMEOUT, 0.5),
    ("stateless reset", echoing, Behaviour(reset_after=4), failures.CONNECTION_RESET, 5.0),
    ("silent cut", echoing, Behaviour(cut_after=30_000), failures.GENERIC_TIMEOUT, 0.6),
    ("orderly close", closing(0), Behaviour(), failures.EOF, 5.0),
    ("application error", closing(0x4), Behaviour(), failures.CONNECTION_ABORTED, 5.0),
    ("stream reset", resetting, Behaviour(), failures.CONNECTION_RESET, 5.0),
]


@pytest.mark.parametrize(
    ("serve", "behaviour", "error", "limit"), [case[1:] for case in AFTER], ids=[case[0] for case in AFTER]
)
async def test_how_a_connection_fails_after_the_handshake(
    authority: trustme.CA,
    trust: TrustStore,
    serve: Callable[[Connection], App],
    behaviour: Behaviour,
    error: str,
    limit: float,
) -> None:
    trace, got = await after_handshake(authority, trust, serve, behaviour, limit)

    assert trace.failure is not None
    assert (trace.failure.step, trace.failure.error) == ("carry", error)
    assert trace.proof is Proof.HANDSHAKEN
    assert len(got) < 100_000


async def test_a_cancelled_handshake_leaves_nothing_behind(trust: TrustStore) -> None:
    trace = trace_of()
    async with answering(lambda _data: []) as served:
        with nothing_left():
            with anyio.move_on_after(0.2) as scope:
                await connect(served.port, trace, trust)
            assert scope.cancelled_caught

    assert trace.failure is None
    assert trace.steps[0].failure is None, "that we left says nothing about the network"


async def test_everybody_who_waits_hears_of_the_end(authority: trustme.CA, trust: TrustStore) -> None:
    trace = trace_of()
    heard: list[str] = []
    async with quic_server(configuration(good(authority), ("doq",)), closing(0x4)) as served:
        link = await connect(served.port, trace, trust)

        async def ask(number: int) -> None:
            stream = await link.open_stream()
            try:
                await stream.finish(bytes([number]))
                await stream.receive()
            except PeerError as exc:
                heard.append(exc.error)

        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(partial(ask, number))
        await link.aclose()

    assert heard == [failures.CONNECTION_ABORTED] * 5


async def test_version_1_alone_can_be_asked_for(authority: trustme.CA, trust: TrustStore) -> None:
    settings = configuration(good(authority), ("doq",))
    settings.supported_versions = [VERSION_2]
    trace = trace_of()
    async with quic_server(settings, echoing) as served:
        with pytest.raises(StepFailed) as failed:
            await connect(served.port, trace, trust, versions=(VERSION_1,))

    assert failed.value.error == failures.QUIC_INCOMPATIBLE_VERSION
