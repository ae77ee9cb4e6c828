"""TLS over any byte stream, with everything that matters to a check under our control.

The handshake is OpenSSL's (:class:`ssl.SSLObject` between two memory buffers); sending, receiving and the decision
about the certificate are ours. OpenSSL verifies nothing: :mod:`circumvent.net.verify` decides as soon as the
peer's chain is there and before our last handshake message leaves, so that a name, an address, a hash or a missing
SNI are treated alike and an impostor never sees a byte of the application.

What ends a connection stays told apart (RFC 8446 section 6.1): a close_notify is :class:`anyio.EndOfStream`, a FIN
without one ``ssl.SSLEOFError``, a reset the ``ConnectionResetError`` of the stream below.
"""

from __future__ import annotations

import functools
import ssl
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import ByteStream

from circumvent.model import failure as failures
from circumvent.model.option import is_address
from circumvent.model.record import Fidelity
from circumvent.model.words import Proof
from circumvent.net.block_pages import SEARCHED, block_page
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.failure import words as _words
from circumvent.net.gate import begin_crypto, crypto
from circumvent.net.hello import ALERT, HANDSHAKE, HelloCut, HelloError, cut_flight, message_of_records
from circumvent.net.ja4 import ja4
from circumvent.net.peer import Peer, first_bytes_kind, os_trusts, server_hello_version
from circumvent.net.verify import TrustStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.record import Json
    from circumvent.net.trace import OpenStep, Trace

__all__ = ["HelloCut", "Peer", "TlsConfig", "TlsStream", "TrustStore", "start_tls"]

#: How much is read from below, and encrypted, in one go.
CHUNK: Final = 64 * 1024
#: How long a close_notify may take to leave, in seconds.
GOODBYE: Final = 0.1
#: Alert descriptions (RFC 8446 section 6.2) that we send when a certificate fails.
_ALERTS: Final = {failures.SSL_EXPIRED: 45, failures.SSL_UNKNOWN_AUTHORITY: 48}
_BAD_CERTIFICATE: Final = 42
#: What sending raises once the connection is over.
_GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsConfig:
    """How to speak TLS to one peer.

    ``server_name`` goes into the ClientHello (``None``, or an IP address: no SNI); ``verify_name`` is what the
    certificate must be for (``None``: whoever answers, unless ``certificate_hashes`` says otherwise).
    """

    server_name: str | None
    verify_name: str | None
    trust: TrustStore
    alpn: tuple[str, ...] = ()
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    cut: HelloCut | None = None
    certificate_hashes: tuple[bytes, ...] = ()


async def start_tls(
    stream: ByteStream,
    config: TlsConfig,
    trace: Trace,
    *,
    step: str = "tls_handshake",
    proves: bool = True,
) -> TlsStream:
    """Handshake over ``stream`` inside a step of its own, and verify the peer.

    What the peer presented stands in the step's detail, also when it was refused. The stream is closed when the
    handshake fails. The first bytes of TLS that come back prove ``reached``, unless ``proves`` is off because the
    attempt is about somebody else. In TLS 1.3 a finished handshake does not mean that the peer accepted us: a refusal (a client
    certificate that is wanted) arrives at the first read.

    :raises StepFailed: when the handshake or the certificate failed.
    """
    shake = _Handshake(stream, config, trace, proves=proves)
    try:
        async with trace.step(step) as opened:
            try:
                peer = await shake.run()
            finally:
                shake.describe(opened)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await anyio.aclose_forcefully(stream)
        raise
    return TlsStream(stream, shake.pump, peer, shake.verified)


@dataclass(slots=True)
class _Pump:
    """An ``SSLObject`` between its two buffers, and what went through them."""

    tls: ssl.SSLObject
    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    received: int = 0
    first: bytes = b""

    @classmethod
    def make(cls, config: TlsConfig) -> _Pump:
        name = config.server_name
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = _context(config.alpn, config.minimum).wrap_bio(
            incoming, outgoing, server_hostname=None if not name or is_address(name) else name
        )
        return cls(tls, incoming, outgoing)

    async def fill(self, stream: ByteStream) -> None:
        """Bring more bytes in; a FIN is noted, and raised by OpenSSL when it is reached."""
        try:
            data = await stream.receive(CHUNK)
        except anyio.EndOfStream:
            self.incoming.write_eof()
            return
        if len(self.first) < SEARCHED:
            self.first += data[: SEARCHED - len(self.first)]
        self.received += len(data)
        self.incoming.write(data)


class _Handshake:
    """One handshake: the flights, the decision about the certificate, and the facts."""

    def __init__(self, stream: ByteStream, config: TlsConfig, trace: Trace, *, proves: bool) -> None:
        self.pump = _Pump.make(config)
        self._proves = proves
        self._stream = stream
        self._config = config
        self._trace = trace
        self._peer = Peer()
        self._judged = False
        self.verified = False
        self._hello_sent: float | None = None
        self._explained: dict[str, Json] = {}

    async def run(self) -> Peer:
        """Shake hands and return what the peer presented, verified."""
        while not await self._turn():
            await self._judge(finished=False)
            await self._flush()
            await self.pump.fill(self._stream)
            self._arrived()
        await self._judge(finished=True)
        await self._flush()
        self._peer = replace(
            self._peer,
            version=self.pump.tls.version() or "",
            cipher=(self.pump.tls.cipher() or ("",))[0],
            alpn=self.pump.tls.selected_alpn_protocol(),
        )
        return self._peer

    async def _turn(self) -> bool:
        """Let OpenSSL go as far as it can; tell whether the handshake is complete."""
        try:
            turn = begin_crypto if self._hello_sent is None else crypto
            await turn(self._trace, self.pump.tls.do_handshake)
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as exc:
            await self._say_last_words(self.pump.outgoing.read())
            kind = first_bytes_kind(self.pump.first)
            if kind not in (None, "tls", "alert"):
                raise PeerError(failures.WRONG_ANSWER, f"{kind} in place of TLS") from exc
            raise
        return True

    async def _judge(self, *, finished: bool) -> None:
        """Decide about the peer's chain once it is known.

        TLS 1.2 shows it in the middle of the handshake, while our side is still in clear: a refusal is told with
        an alert, as any client does. In TLS 1.3 our half of the handshake is complete by then, alerts are
        encrypted with keys that OpenSSL keeps, and the connection is closed without a word and without our
        Finished.
        """
        if self._judged:
            return
        chain = presented_chain(self.pump.tls)
        if not chain and not finished:
            return
        self._judged = True
        version = self.pump.tls.version() or server_hello_version(self.pump.first)
        self._peer = replace(self._peer, chain=tuple(chain), version=version)
        config = self._config
        if config.verify_name is None and not config.certificate_hashes:
            return
        try:
            await crypto(
                self._trace,
                config.trust.verify,
                chain,
                config.verify_name,
                certificate_hashes=config.certificate_hashes,
            )
            self.verified = True
        except PeerError as refusal:
            if refusal.error == failures.SSL_UNKNOWN_AUTHORITY:
                self._explained = {"os_trusted": await crypto(self._trace, os_trusts, chain)}
            if not finished:
                alert = _ALERTS.get(refusal.error, _BAD_CERTIFICATE)
                await self._say_last_words(bytes((ALERT, 3, 3, 0, 2, 2, alert)))
            raise

    async def _flush(self) -> None:
        """Send what OpenSSL wants sent; a ClientHello goes out cut as the configuration says."""
        flight = self.pump.outgoing.read()
        if not flight:
            return
        if self._hello_sent is None:
            self._note_hello(flight)
        for piece in cut_flight(flight, self._config.cut):
            await self._stream.send(piece)
        if self._hello_sent is None:
            self._hello_sent = self._trace.clock.now()

    def _note_hello(self, flight: bytes) -> None:
        try:
            print_of_ours = ja4(message_of_records(flight))
        except HelloError:
            return
        self._peer = replace(self._peer, ja4=print_of_ours)
        if self._trace.fidelity.tls == "none":  # of TLS inside TLS the outer one is seen on the line
            self._trace.fidelity = Fidelity(tls="openssl", ja4=print_of_ours)

    def _arrived(self) -> None:
        """Note the round trip and the proof when the first bytes of TLS came back."""
        if self._hello_sent is None or not self.pump.first or self.pump.first[0] not in (HANDSHAKE, ALERT):
            return
        if self._proves:
            self._trace.prove(Proof.REACHED)
        if not self._peer.answered:
            self._peer = replace(self._peer, answered=True)
            if self.pump.first[0] == HANDSHAKE:
                self._trace.round_trip(self._trace.clock.now() - self._hello_sent)

    async def _say_last_words(self, alert: bytes) -> None:
        """Send an alert of ours if it leaves at once; the connection is over in any case."""
        with anyio.move_on_after(GOODBYE):
            with suppress(*_GONE):
                await self._stream.send(alert)

    def describe(self, opened: OpenStep) -> None:
        """Write the facts of the handshake into its step."""
        opened.detail.update(self._peer.summary())
        opened.detail["received"] = self.pump.received
        kind = first_bytes_kind(self.pump.first)
        if kind is not None and kind != "tls":
            opened.detail["first_bytes"] = kind
            if kind == "http" and (country := block_page(self.pump.first)) is not None:
                opened.detail["block_page"] = country
        if kind == "alert" and len(self.pump.first) > 6:
            opened.detail["alert"] = self.pump.first[6]
        opened.detail.update(self._explained)


@dataclass(eq=False)
class TlsStream(ByteStream):
    """A TLS connection. One task may receive while another sends.

    Made by :func:`start_tls`. After a cancelled :meth:`send` the stream is only good for closing.
    """

    transport: ByteStream
    pump: _Pump = field(repr=False)
    peer: Peer
    _verified: bool = field(repr=False)
    _sending: anyio.Lock = field(init=False, repr=False, default_factory=anyio.Lock)
    _early: bytes = field(init=False, repr=False, default=b"")
    _broken: bool = field(init=False, repr=False, default=False)
    _closed: bool = field(init=False, repr=False, default=False)

    async def receive(self, max_bytes: int = CHUNK) -> bytes:
        """Return the next bytes of the application.

        :raises anyio.EndOfStream: after the peer's close_notify.
        :raises ssl.SSLEOFError: after a FIN without close_notify.
        :raises Refusal: when the peer wants a client certificate.
        :raises ssl.SSLError: after another alert of the peer, or broken records.
        :raises OSError: as the system raised it.
        """
        while True:
            data = self._read(max_bytes)
            await self._flush()  # answers of OpenSSL's own, such as to a key update
            if data is not None:
                return data
            await self.pump.fill(self.transport)

    def _read(self, max_bytes: int) -> bytes | None:
        """Return decrypted bytes, ``None`` when more must come in first."""
        if self._closed:
            raise anyio.ClosedResourceError
        if self._early:
            data, self._early = self._early[:max_bytes], self._early[max_bytes:]
            return data
        try:
            data = self.pump.tls.read(max_bytes)
        except ssl.SSLWantReadError:
            return None
        except ssl.SSLZeroReturnError:
            raise anyio.EndOfStream from None
        except ssl.SSLError as exc:
            self._broken = True
            word, detail = _words(exc)
            if word == failures.AUTH_REJECTED:  # TLS 1.3: the server wants a certificate that we lack
                raise Refusal(word, detail, authenticated=self._verified) from exc
            raise
        if not data:
            raise anyio.EndOfStream
        return data

    async def send(self, item: bytes) -> None:
        """Encrypt and send ``item``.

        :raises OSError: as the system raised it, ``BrokenPipeError`` after the peer closed.
        """
        view = memoryview(item)
        for begin in range(0, len(view), CHUNK):
            if self._closed:
                raise anyio.ClosedResourceError
            self.pump.tls.write(view[begin : begin + CHUNK])
            await self._flush()

    async def send_eof(self) -> None:
        """Send close_notify: no more comes from here. What the peer still sends can be received."""
        self._say_goodbye()
        await self._flush()

    async def aclose(self) -> None:
        """Send close_notify if that takes no time, and close the stream below. Never raises."""
        if self._closed:
            return
        self._say_goodbye()
        self._closed = True
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(GOODBYE):
                with suppress(*_GONE):
                    await self._flush()
            await anyio.aclose_forcefully(self.transport)

    def _say_goodbye(self) -> None:
        """Write a close_notify.

        What has arrived is read first: OpenSSL looks for the peer's own in the same call, and would stumble over
        data of the application.
        """
        if self._broken:
            return
        with suppress(ssl.SSLError):  # the last read wants more, or finds the end; so does the call itself
            while data := self.pump.tls.read(CHUNK):
                self._early += data
        with suppress(ssl.SSLError):
            self.pump.tls.unwrap()

    async def _flush(self) -> None:
        """Send what OpenSSL wrote. The lock keeps records in order between a reader and a writer."""
        if not self.pump.outgoing.pending:
            return
        async with self._sending:
            data = self.pump.outgoing.read()
            if data:
                await self.transport.send(data)


@functools.lru_cache(maxsize=32)
def _context(alpn: Sequence[str], minimum: ssl.TLSVersion) -> ssl.SSLContext:
    """Return a context that verifies nothing and knows no earlier session: each connection is cold.

    Nothing of the environment is read: no default roots, no key log.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.options |= ssl.OP_NO_RENEGOTIATION
    if alpn:
        context.set_alpn_protocols(alpn)
    if minimum < ssl.TLSVersion.TLSv1_2:
        context.set_ciphers("DEFAULT:@SECLEVEL=0")  # what old versions need is weak by today's rules
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions, where they are asked for
        context.minimum_version = minimum
    return context


def presented_chain(tls: ssl.SSLObject) -> list[bytes]:
    """Return the certificates the peer presented, leaf first, as DER; empty while there are none.

    Public from Python 3.13; before that the same method of the private object below (3.10 and later).
    """
    public = getattr(tls, "get_unverified_chain", None)
    if public is not None:
        return list(public())
    private = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]  # noqa: SLF001 - see above
    return [ssl.PEM_cert_to_DER_cert(item.public_bytes()) for item in private or ()]
