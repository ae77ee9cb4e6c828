"""QUIC version 1 and 2 (RFC 9000, 9001, 9369) over any datagram socket.

aioquic is the state machine, without input and output; :class:`QuicLink` is what drives it. There is no task in the
background: **whoever waits, drives**. The first task that waits for something on a link receives datagrams and serves
the timers for all of them until its own wish is fulfilled; then the next one takes over. So a link can be opened in
one function and closed in another, cancellation leaves nothing behind, and a reader that does not read holds the
peer back, because nobody takes datagrams in for it. (While nobody waits nothing is acknowledged either; an idle
minute is spent in :meth:`QuicLink.idle`.)

Certificates are verified by the same code as for TLS (:mod:`circumvent.net.verify`), after the handshake and before
anything of ours is sent or anything of the peer's is believed. There is no 0-RTT, no ticket and no token.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
from aioquic.quic.events import HandshakeCompleted, StopSendingReceived, StreamDataReceived, StreamReset

from circumvent.model import failure as failures
from circumvent.model.option import is_address
from circumvent.model.record import Fidelity
from circumvent.model.words import Proof
from circumvent.net.aioquic_adapter import ClientConnection
from circumvent.net.errors import PeerError
from circumvent.net.failure import quic_failure
from circumvent.net.gate import begin_crypto, crypto
from circumvent.net.ja4 import ja4
from circumvent.net.peer import Peer, os_trusts
from circumvent.net.quic_packet import starts_with_initial, version_negotiation
from circumvent.net.quic_stream import QuicStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioquic.quic.events import QuicEvent

    from circumvent.net.aioquic_adapter import Closed
    from circumvent.net.stream import Datagram, DatagramStream
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.net.verify import TrustStore

VERSION_1: Final = 0x00000001
VERSION_2: Final = 0x6B3343CF
#: Seconds without a packet after which a connection is given up; steps have shorter limits.
IDLE_TIMEOUT: Final = 60.0
#: What aioquic takes the round trip to be until it knows, in seconds, at least and at most.
SHORTEST_ROUND_TRIP: Final = 0.1
LONGEST_ROUND_TRIP: Final = 1.0
#: Bytes taken in on one connection, in all: a check never wants more, and a peer may send for ever.
RECEIVE_LIMIT: Final = 64 << 20
#: Events on the peer's own streams that are kept for whoever will handle them.
MOST_UNCLAIMED: Final = 64
#: Seconds for which a datagram is looked for when a timer is due already: on a late loop what it waits for may be there.
SHORTEST_WAIT: Final = 0.001
#: Seconds between the PINGs of an idle connection.
KEEP_ALIVE: Final = 15.0
#: RFC 9000 section 20.1: codes from here on are TLS alerts (RFC 8446 section 6).
_CRYPTO_ERROR: Final = 0x100
_CRYPTO_FRAME: Final = 0x06
#: The alert that goes with each failure of a certificate (RFC 8446 section 6.2).
_ALERTS: Final = {
    failures.SSL_UNKNOWN_AUTHORITY: 48,
    failures.SSL_EXPIRED: 45,
    failures.SSL_NOT_YET_VALID: 45,
    failures.SSL_INVALID_HOSTNAME: 42,
}
_BAD_CERTIFICATE: Final = 42
_STREAM_EVENTS: Final = (StreamDataReceived, StreamReset, StopSendingReceived)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicConfig:
    """How to shake hands.

    ``server_name`` is sent as SNI (``None``, or an IP address: none is sent); ``verify_name`` is what the certificate must be for
    (``None``: not verified); ``certificate_hashes`` are SHA-256 digests of TBS certificates, one of which must be in
    the chain; the first of ``versions`` is tried first. A handshake that the peer confirmed proves ``handshaken``,
    unless it may be ``fronted``: a front's handshake says nothing of the origin behind it.
    """

    server_name: str | None
    verify_name: str | None
    trust: TrustStore
    alpn: tuple[str, ...]
    certificate_hashes: tuple[bytes, ...] = ()
    versions: tuple[int, ...] = (VERSION_1, VERSION_2)
    fronted: bool = False


async def open_quic(
    socket: DatagramStream, config: QuicConfig, trace: Trace, *, step: str = "quic_handshake"
) -> QuicLink:
    """Shake hands over ``socket``, which the link owns from now on, and verify the peer.

    :raises StepFailed: when that failed; the socket is closed then.
    """
    link = QuicLink(socket, config, trace)
    try:
        async with trace.step(step) as open_step:
            await link.handshake(open_step)
    except BaseException:
        await link.aclose()
        raise
    return link


class QuicLink:
    """One connection. Made by :func:`open_quic`."""

    def __init__(self, socket: DatagramStream, config: QuicConfig, trace: Trace) -> None:
        name = config.server_name
        self.quic = ClientConnection(
            server_name=None if not name or is_address(name) else name,
            alpn=config.alpn,
            versions=config.versions,
            idle_timeout=IDLE_TIMEOUT,
            initial_round_trip=_first_guess(trace.timeouts.round_trip),
        )
        self.peer = Peer()
        #: The clock second at which the datagram arrived that is being worked on.
        self.arrived = 0.0
        self._socket = socket
        self._config = config
        self._trace = trace
        self._streams: dict[int, QuicStream] = {}
        self._handler: Callable[[QuicEvent], None] | None = None
        self._unclaimed: deque[QuicEvent] = deque()
        self._outbox: deque[bytes] = deque()
        self._driven = False
        self._progress = anyio.Event()
        self._error: Exception | None = None
        self._closed = False
        self._shaken = False
        self._verified = False
        self._first_sent: float | None = None
        self._initials = 0
        self._datagrams = 0
        self._received = 0
        self._negotiated = False
        self._heard = False

    async def handshake(self, step: OpenStep) -> None:
        """Shake hands and verify the peer; :func:`open_quic` calls it, once.

        :raises PeerError: when the peer said no, or is not who it must be.
        :raises OSError: as the socket raises it.
        """
        try:
            await begin_crypto(self._trace, self.quic.connect, self._trace.clock.now())
            self.peer = Peer(ja4=ja4(self.quic.client_hello, transport="q"))
            if self._trace.fidelity.tls == "none":  # of TLS inside TLS the outer one is seen on the line
                self._trace.fidelity = Fidelity(tls="aioquic", ja4=self.peer.ja4)
            await self.wait(lambda: self._verified)
        except PeerError as exc:
            if (closed := self.quic.closed) is not None:
                step.detail["closed_by"] = "peer" if closed.by_peer else "us"
            if exc.error == failures.SSL_UNKNOWN_AUTHORITY:
                step.detail["os_trusted"] = os_trusts(self.peer.chain)
            raise
        finally:
            # Datagrams that came tell silence from garbage when time runs out.
            step.detail["initial_packets"] = self._initials
            step.detail["datagrams_received"] = self._datagrams
            step.detail.update(self.peer.summary())

    async def open_stream(self) -> QuicStream:
        """Open a bidirectional stream."""
        number = self.quic.aioquic.get_next_available_stream_id()
        # The number is taken only when something is sent (RFC 9000 section 2.1: sending opens the stream).
        self.quic.aioquic.send_stream_data(number, b"")
        stream = self._streams[number] = QuicStream(self, number)
        return stream

    def forget(self, number: int) -> None:
        """Drop the state of a stream that its user closed."""
        self._streams.pop(number, None)

    def handle_events(self, handler: Callable[[QuicEvent], None]) -> None:
        """Give all events to ``handler``, for a protocol that manages its streams itself.

        A server may open streams before anybody here knows what it is for: they come first.
        """
        self._handler = handler
        while self._unclaimed:
            handler(self._unclaimed.popleft())

    async def wait(self, ready: Callable[[], bool]) -> None:
        """Send what is to be sent and drive the connection until ``ready``.

        :raises PeerError: when the connection ended before.
        :raises OSError: as the socket raised it.
        """
        await anyio.lowlevel.checkpoint()
        try:
            await self._flush()
        except OSError as exc:
            self._fail(exc)
        while not ready():
            if self._error is not None:
                raise self._error
            if self._driven:
                await self._progress.wait()
                continue
            self._driven = True
            try:
                await self._turn()
            except (OSError, PeerError) as exc:
                self._fail(exc)
            finally:
                self._driven = False
                self._progress.set()
                self._progress = anyio.Event()

    async def idle(self, seconds: float) -> None:
        """Stay connected for ``seconds`` without asking for anything but a PING now and then.

        :raises PeerError: when the connection ended.
        :raises OSError: as the socket raised it.
        """
        until = self._trace.clock.now() + seconds
        pings = 0
        while (left := until - self._trace.clock.now()) > 0:
            with anyio.move_on_after(min(left, KEEP_ALIVE)):
                await self.wait(lambda: False)
            pings += 1
            self.quic.aioquic.send_ping(pings)
        await self._flush()

    async def aclose(self, code: int = 0) -> None:
        """Say goodbye in one packet with an application error code, without waiting, and close the socket."""
        if self._closed:
            return
        self._closed = True
        with anyio.CancelScope(shield=True):
            if self._shaken and self._error is None:
                self.quic.aioquic.close(error_code=code)
                with anyio.move_on_after(0.1):
                    await self._quietly_flush()
            await self._socket.aclose()
        self._fail(anyio.ClosedResourceError())
        self._progress.set()

    def _fail(self, reason: Exception) -> None:
        """Note why nothing goes any more; the first reason stands."""
        if self._error is None:
            self._error = reason

    async def _turn(self) -> None:
        """Take in one datagram or serve one timer, and send what follows from it."""
        now = self._trace.clock.now()
        timer = self.quic.timer
        datagram: Datagram | None = None
        with anyio.move_on_after(None if timer is None else max(timer - now, SHORTEST_WAIT)):
            datagram = await self._socket.receive()
        if datagram is None:
            self.quic.handle_timer(self._trace.clock.now())
        else:
            await self._take(datagram)
        self._deliver()
        if self._shaken and not self._verified and self.quic.closed is None:
            await self._verify()
        await self._flush()
        closed = self.quic.closed
        if closed is not None:
            raise self._why(closed)
        if self._verified and self.quic.confirmed and not self._config.fronted:
            self._trace.prove(Proof.HANDSHAKEN)

    async def _take(self, datagram: Datagram) -> None:
        self._datagrams += 1
        self._received += len(datagram.data)
        self.arrived = datagram.arrived
        if self._received > RECEIVE_LIMIT:
            raise PeerError(failures.WRONG_ANSWER, "the peer sends without end")
        if self.quic.is_stateless_reset(datagram.data):
            raise PeerError(failures.CONNECTION_RESET, "stateless reset")
        if self._shaken:
            self.quic.receive(datagram.data, self._trace.clock.now())
            return
        negotiation = version_negotiation(datagram.data)
        if negotiation is not None and negotiation.destination == self.quic.aioquic.host_cid:
            self._negotiated = True
        await crypto(self._trace, self.quic.receive, datagram.data, self._trace.clock.now())
        if not self._heard and (self._negotiated or self.quic.heard):
            # The first datagram that is the peer's own: garbage proves nobody and times nothing.
            self._heard = True
            self._trace.prove(Proof.REACHED)
            if self._first_sent is not None:
                self._trace.round_trip(max(datagram.arrived - self._first_sent, 0.0))

    def _deliver(self) -> None:
        """Hand the events of the state machine to the streams."""
        while (event := self.quic.next_event()) is not None:
            if isinstance(event, HandshakeCompleted):
                self._shaken = True
            elif self._handler is not None:
                self._handler(event)
            elif isinstance(event, _STREAM_EVENTS):
                if event.stream_id in self._streams:
                    self._streams[event.stream_id].feed(event)
                elif len(self._unclaimed) < MOST_UNCLAIMED:
                    self._unclaimed.append(event)

    async def _verify(self) -> None:
        """Make sure that the peer is who it must be, before anything is sent to it or believed."""
        config = self._config
        chain = self.quic.certificates
        self.peer = replace(
            self.peer,
            chain=chain,
            version=f"QUIC {_version_name(self.quic.version)}",
            cipher=self.quic.cipher or "",
            alpn=self.quic.alpn,
            answered=True,
        )
        try:
            if config.verify_name is not None or config.certificate_hashes:
                await crypto(
                    self._trace,
                    config.trust.verify,
                    chain,
                    config.verify_name,
                    certificate_hashes=config.certificate_hashes,
                )
        except PeerError as exc:
            alert = _ALERTS.get(exc.error, _BAD_CERTIFICATE)
            self.quic.aioquic.close(error_code=_CRYPTO_ERROR + alert, frame_type=_CRYPTO_FRAME)
            await self._quietly_flush()
            raise
        self._verified = True

    async def _flush(self) -> None:
        if self._error is not None:
            return
        self._outbox.extend(self.quic.outgoing(self._trace.clock.now()))
        while self._outbox:
            data = self._outbox.popleft()
            if not self._verified:
                self._initials += starts_with_initial(data)
            if self._first_sent is None:
                self._first_sent = self._trace.clock.now()
            await self._socket.send(data)

    async def _quietly_flush(self) -> None:
        try:
            await self._flush()
        except OSError:
            return

    def _why(self, closed: Closed) -> PeerError:
        """Put the end of the connection into words."""
        if self._negotiated and not self._shaken and not closed.by_peer:
            return PeerError(failures.QUIC_INCOMPATIBLE_VERSION, "the server offers no version that we speak")
        if closed.application and not closed.by_peer:
            return PeerError(failures.WRONG_ANSWER, f"the peer broke the protocol, code {closed.code:#x}")
        # What the peer wrote decides nothing; aioquic's own words tell apart what it gives one code.
        reason = "" if closed.by_peer else closed.reason
        return PeerError(*quic_failure(closed.code, reason, application=closed.application))


def _first_guess(round_trip: float | None) -> float:
    """Return what to take the round trip for, in seconds: too little makes needless copies on a long line."""
    return min(
        max(SHORTEST_ROUND_TRIP if round_trip is None else round_trip, SHORTEST_ROUND_TRIP),
        LONGEST_ROUND_TRIP,
    )


def _version_name(version: int | None) -> str:
    return "v2" if version == VERSION_2 else "v1"
