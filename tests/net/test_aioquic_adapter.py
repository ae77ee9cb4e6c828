"""The canary: the private parts of aioquic that we read are still there and still mean what they meant."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import pytest
import trustme
from aioquic.quic.connection import (
    QuicConnection,
    QuicConnectionAdapter,
    QuicConnectionError,
    QuicReceiveContext,
)
from aioquic.quic.events import HandshakeCompleted, StreamDataReceived
from aioquic.tls import Epoch
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.aioquic_adapter import CONNECTION_NAMES, TLS_NAMES, ClientConnection
from circumvent.net.hello import parse_hello
from circumvent.net.quic import VERSION_1, VERSION_2
from tests.faults.quic import configuration

if TYPE_CHECKING:
    from aioquic.quic.configuration import QuicConfiguration

CLIENT = ("client", 1)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def settings(authority: trustme.CA) -> QuicConfiguration:
    return configuration(authority.issue_cert("server.test"), ("doq",))


@pytest.fixture(scope="module")
def pki(authority: trustme.CA) -> QuicConfiguration:
    """A configuration that no test changes."""
    return configuration(authority.issue_cert("server.test"), ("doq",))


def client(**changes: object) -> ClientConnection:
    given: dict[str, object] = {
        "server_name": "server.test",
        "alpn": ("doq",),
        "versions": (VERSION_1, VERSION_2),
        "idle_timeout": 60.0,
        "initial_round_trip": 0.1,
    }
    return ClientConnection(**(given | changes))  # type: ignore[arg-type]  # the types are those of the names above


class Pair:
    """A client and a server without a network between them; time stands at ``now``."""

    def __init__(self, ours: ClientConnection, settings: QuicConfiguration) -> None:
        self.ours = ours
        self.now = 1.0
        ours.connect(self.now)
        self.theirs = QuicConnection(
            configuration=settings,
            original_destination_connection_id=ours.aioquic.original_destination_connection_id,
        )

    def forth(self) -> None:
        for data in self.ours.outgoing(self.now):
            self.theirs.receive_datagram(data, CLIENT, now=self.now)

    def back(self) -> None:
        for data, _ in self.theirs.datagrams_to_send(now=self.now):
            self.ours.receive(data, self.now)

    def shake(self) -> Pair:
        for _ in range(4):
            self.forth()
            self.back()
            self.now += 0.01
        return self


def test_every_private_name_is_there(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()

    assert [name for name in CONNECTION_NAMES if not hasattr(pair.ours.aioquic, name)] == []
    assert [name for name in TLS_NAMES if not hasattr(pair.ours.aioquic.tls, name)] == []


def test_a_handshake_shows_who_answered(settings: QuicConfiguration) -> None:
    ours = client()
    pair = Pair(ours, settings)
    before = (ours.heard, ours.certificates, ours.cipher, ours.closed)
    assert before == (False, (), None, None)

    pair.forth()
    pair.back()

    assert ours.heard
    assert settings.certificate is not None
    assert ours.certificates == (settings.certificate.public_bytes(Encoding.DER),)
    early = ours.confirmed

    pair.shake()
    assert (early, ours.confirmed) == (False, True)
    assert ours.alpn == "doq"
    assert ours.cipher in {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
    assert ours.version == VERSION_1
    assert any(isinstance(event, HandshakeCompleted) for event in iter(ours.next_event, None))


@pytest.mark.parametrize("name", ["server.test", None])
def test_the_client_hello_is_known_before_it_leaves(name: str | None) -> None:
    ours = client(server_name=name)
    ours.connect(1.0)

    assert parse_hello(ours.client_hello).name == name


def test_a_close_by_the_peer_is_known_at_once(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    pair.theirs.close(error_code=0x2A, reason_phrase="go away")
    pair.back()

    closed = pair.ours.closed
    assert closed is not None
    assert (closed.code, closed.by_peer, closed.application) == (0x2A, True, True)


def test_a_close_of_our_own_is_told_from_the_peers(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    pair.ours.aioquic.close(error_code=0x12A, frame_type=0x06)

    closed = pair.ours.closed
    assert closed is not None
    assert (closed.code, closed.by_peer, closed.application) == (0x12A, False, False)


def test_a_reason_that_does_not_fit_raises_nothing(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings)
    pair.forth()
    pair.back()
    pair.ours.aioquic.close(error_code=0x12A, frame_type=0x06, reason_phrase="x" * 4000)

    pair.ours.outgoing(pair.now)

    assert pair.ours.closed is not None


def test_what_is_unsent_is_counted(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    assert pair.ours.unsent(0) == 0

    pair.ours.aioquic.send_stream_data(0, bytes(50_000))
    assert pair.ours.unsent(0) == 50_000

    for _ in range(20):
        pair.shake()
    assert pair.ours.unsent(0) == 0


def test_a_stream_is_cancelled_both_ways_and_only_once(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    pair.ours.aioquic.send_stream_data(0, b"question")
    pair.ours.cancel(0, 0x3)
    pair.ours.cancel(0, 0x3)
    pair.ours.cancel(4, 0x3)  # never opened

    pair.shake()

    names = {type(event).__name__ for event in iter(pair.theirs.next_event, None)}
    assert {"StreamReset", "StopSendingReceived"} <= names


def test_a_stateless_reset_is_known_by_its_token(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    tokens = [identifier.stateless_reset_token for identifier in pair.theirs._host_cids]

    assert all(pair.ours.is_stateless_reset(b"\x41" + bytes(24) + token) for token in tokens)
    assert not pair.ours.is_stateless_reset(b"\x41" + bytes(40))
    assert not pair.ours.is_stateless_reset(tokens[0])


def test_before_the_handshake_nothing_is_a_stateless_reset() -> None:
    ours = client()
    ours.connect(1.0)

    assert not ours.is_stateless_reset(b"\x41" + bytes(40))


def test_data_arrives_as_events(settings: QuicConfiguration) -> None:
    pair = Pair(client(), settings).shake()
    pair.theirs.send_stream_data(1, b"hello", end_stream=True)
    pair.shake()

    data = [event for event in iter(pair.ours.next_event, None) if isinstance(event, StreamDataReceived)]
    assert [(event.data, event.end_stream) for event in data] == [(b"hello", True)]


def test_what_the_server_says_is_never_logged(
    settings: QuicConfiguration, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        pair = Pair(client(), settings).shake()
        caplog.clear()
        pair.theirs._logger = QuicConnectionAdapter(logging.getLogger("the.server"), {"id": ""})
        pair.theirs.close(error_code=1, reason_phrase="\x1b[31mpwned")
        pair.back()

    assert [record for record in caplog.records if not record.name.startswith("the.server")] == []


class NoCertificate:
    """Stands in for a certificate and is none."""

    def public_bytes(self, _encoding: Encoding) -> bytes:
        return b"\x30\x82 this is no certificate"


def test_a_certificate_that_is_none_ends_the_handshake(settings: QuicConfiguration) -> None:
    settings.certificate = NoCertificate()
    settings.certificate_chain = []
    pair = Pair(client(), settings)
    pair.forth()
    pair.back()
    closed = pair.ours.closed
    assert closed is not None
    assert closed.code == 0x100 + 42


@given(
    position=st.integers(0, 3000), flip=st.integers(1, 255), extra=st.binary(max_size=60), late=st.booleans()
)
def test_damaged_datagrams_are_dropped_or_end_the_connection(
    pki: QuicConfiguration, position: int, flip: int, extra: bytes, late: bool
) -> None:
    pair = Pair(client(), pki)
    if late:
        pair.shake()
        pair.theirs.send_stream_data(1, bytes(2000))
    pair.forth()
    for data, _ in pair.theirs.datagrams_to_send(now=pair.now):
        damaged = bytearray(data)
        damaged[position % len(damaged)] ^= flip
        for attempt in (
            bytes(damaged),
            bytes(damaged) + extra,
            extra,
            bytes(damaged[: position % len(damaged)]),
        ):
            pair.ours.receive(attempt, pair.now)
            pair.ours.is_stateless_reset(attempt)
    pair.ours.outgoing(pair.now)


@given(frames=st.binary(max_size=80))
def test_any_frames_of_an_authenticated_peer_are_taken_or_end_the_connection(
    pki: QuicConfiguration, frames: bytes
) -> None:
    """A peer that holds the keys can send any payload; nothing but a PeerError comes of it."""
    pair = Pair(client(), pki).shake()
    context = QuicReceiveContext(
        epoch=Epoch.ONE_RTT,
        host_cid=pair.ours.aioquic.host_cid,
        network_path=pair.ours.aioquic._network_paths[0],
        quic_logger_frames=[],
        time=pair.now,
        version=VERSION_1,
    )
    with contextlib.suppress(QuicConnectionError):  # receive_datagram turns it into a close
        pair.ours.aioquic._payload_received(context, frames)
    pair.ours.outgoing(pair.now)
