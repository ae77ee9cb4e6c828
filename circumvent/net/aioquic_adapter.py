"""The one file that touches private parts of aioquic.

aioquic keeps from its users what a measurement needs: that the connection is over (its event comes only after the
closing period, half a second late), who ended it, what certificates the peer showed, what our ClientHello was, how
much of an upload is still unsent, and stateless resets. :class:`ClientConnection` gives these and passes everything
else on. ``tests/net/test_aioquic_adapter.py`` fails when a release of aioquic moves one of the names below.

Nothing here does input or output, and time is an argument, in seconds on any monotonic clock.
"""

# ruff: noqa: SLF001 - reading what is private is what this file is for

from __future__ import annotations

import hmac
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection, QuicConnectionAdapter
from aioquic.quic.packet_builder import QuicPacketBuilderStop
from aioquic.tls import Epoch
from cryptography.hazmat.primitives.serialization import Encoding

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from aioquic.quic.events import QuicEvent

#: The private names of ``QuicConnection`` that this file reads.
CONNECTION_NAMES: Final = (
    "_close_event",
    "_crypto_streams",
    "_handshake_confirmed",
    "_logger",
    "_loss",
    "_peer_cid",
    "_peer_cid_available",
    "_retry_count",
    "_state",
    "_streams",
    "_version",
)
#: The private names of its TLS context.
TLS_NAMES: Final = ("_peer_certificate", "_peer_certificate_chain")

#: What aioquic calls the peer's address; a connection here has one peer.
_PEER: Final = ("peer", 0)
#: RFC 9000 section 10.3: no packet that carries a stateless reset is shorter.
_RESET_MINIMUM: Final = 21
_RESET_TOKEN: Final = 16

# aioquic logs what the server says at error level, and Python prints that to the terminal. It is given a logger of
# its own that is switched off.
_silence = logging.getLogger("circumvent.net.aioquic")
_silence.addHandler(logging.NullHandler())
_silence.propagate = False
_silence.setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True, slots=True)
class Closed:
    """How a connection ended: error code, the peer's (or our) words, and who closed it.

    ``application`` tells an application's code (RFC 9000 section 20.2) from one of the transport. ``reason`` is
    what the peer sent, raw.
    """

    code: int
    reason: str
    by_peer: bool
    application: bool


def unreadable(exc: Exception) -> PeerError:
    """Say that what the peer sent made aioquic raise what it did not mean to: the peer's fault, whatever it is."""
    return PeerError(failures.WRONG_ANSWER, f"unreadable ({type(exc).__name__})")


class ClientConnection:
    """A client's QUIC connection, without input and output, that verifies no certificate by itself."""

    def __init__(
        self,
        *,
        server_name: str | None,
        alpn: tuple[str, ...],
        versions: tuple[int, ...],
        idle_timeout: float,
        initial_round_trip: float,
    ) -> None:
        """Prepare a connection. ``server_name`` ``None`` sends no SNI; times in seconds."""
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=list(alpn),
            server_name=server_name,
            supported_versions=list(versions),
            verify_mode=ssl.CERT_NONE,
            idle_timeout=idle_timeout,
            initial_rtt=initial_round_trip,
        )
        # No session ticket goes in and no handler keeps one: every connection is a cold one.
        self.aioquic = QuicConnection(configuration=configuration)
        self.client_hello = b""
        quiet = QuicConnectionAdapter(_silence, {"id": ""})
        self.aioquic._logger = quiet
        self.aioquic._loss._logger = quiet

    def connect(self, now: float) -> None:
        """Make keys and the ClientHello (about a millisecond of work)."""
        self.aioquic.connect(_PEER, now=now)
        stream = self.aioquic._crypto_streams[Epoch.INITIAL]
        self.client_hello = bytes(stream.sender._buffer)

    def receive(self, data: bytes, now: float) -> None:
        """Take in one datagram.

        :raises PeerError: when it holds what aioquic stumbles over (certificates, keys); the connection is over then.
        """
        try:
            self.aioquic.receive_datagram(data, _PEER, now=now)
        except Exception as exc:
            raise unreadable(exc) from exc

    def outgoing(self, now: float) -> list[bytes]:
        """Return the datagrams to send now."""
        try:
            return [data for data, _ in self.aioquic.datagrams_to_send(now=now)]
        except QuicPacketBuilderStop:
            # A close whose reason does not fit into a packet: there is nothing that can be sent.
            return []

    def next_event(self) -> QuicEvent | None:
        """Return the next event, ``None`` if there is none."""
        return self.aioquic.next_event()

    @property
    def timer(self) -> float | None:
        """Return when :meth:`handle_timer` is due."""
        return self.aioquic.get_timer()

    def handle_timer(self, now: float) -> None:
        """Let a timer fire."""
        self.aioquic.handle_timer(now=now)

    @property
    def closed(self) -> Closed | None:
        """Return how the connection ended, at once and not after the closing period."""
        event = self.aioquic._close_event
        if event is None:
            return None
        return Closed(
            code=event.error_code,
            reason=event.reason_phrase,
            by_peer=self.aioquic._state.name == "DRAINING",
            application=event.frame_type is None,
        )

    @property
    def heard(self) -> bool:
        """Tell whether the peer answered with a packet of this connection (not garbage)."""
        return self.aioquic._state.name != "FIRSTFLIGHT" or self.aioquic._retry_count > 0

    @property
    def confirmed(self) -> bool:
        """Tell whether the peer confirmed the handshake (RFC 9001 section 4.1.2), so that it accepts us."""
        return self.aioquic._handshake_confirmed

    @property
    def certificates(self) -> tuple[bytes, ...]:
        """Return the chain the peer showed, leaf first, as DER. Its first key signed the handshake."""
        leaf = self.aioquic.tls._peer_certificate
        if leaf is None:
            return ()
        chain = self.aioquic.tls._peer_certificate_chain
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in (leaf, *chain))

    @property
    def cipher(self) -> str | None:
        """Return the TLS cipher suite by its registered name, ``None`` before the ServerHello."""
        schedule = self.aioquic.tls.key_schedule
        return None if schedule is None else f"TLS_{schedule.cipher_suite.name.removeprefix('TLS_')}"

    @property
    def alpn(self) -> str | None:
        """Return the application protocol that was agreed upon."""
        return self.aioquic.tls.alpn_negotiated

    @property
    def version(self) -> int | None:
        """Return the QUIC version in use."""
        return self.aioquic._version

    def unsent(self, stream_id: int) -> int:
        """Return how many bytes of a stream the peer has not acknowledged yet."""
        stream = self.aioquic._streams.get(stream_id)
        return 0 if stream is None else len(stream.sender._buffer)

    def cancel(self, stream_id: int, code: int) -> None:
        """Stop both directions of a bidirectional stream of ours, as far as they are still open."""
        stream = self.aioquic._streams.get(stream_id)
        if stream is None:
            return
        if not stream.receiver.is_finished:
            self.aioquic.stop_stream(stream_id, code)
        if not stream.sender.is_finished and stream.sender._reset_error_code is None:
            self.aioquic.reset_stream(stream_id, code)

    def is_stateless_reset(self, data: bytes) -> bool:
        """Tell whether a datagram is a stateless reset of this connection (RFC 9000 section 10.3.1)."""
        if len(data) < _RESET_MINIMUM:
            return False
        ids = [self.aioquic._peer_cid, *self.aioquic._peer_cid_available]
        tokens = [identifier.stateless_reset_token for identifier in ids]
        found = [hmac.compare_digest(data[-_RESET_TOKEN:], token) for token in tokens if token]
        return any(found)
