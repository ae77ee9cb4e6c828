"""DNSCrypt version 2, over UDP and TCP, directly or through a relay (draft-denis-dprive-dnscrypt)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import anyio
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype

from circumvent.model import failure as failures
from circumvent.model.option import DnscryptSettings, Endpoint, Option
from circumvent.model.words import Proof, Reason
from circumvent.names.dnscrypt import Certificate, Cipher, choose_certificate, half_nonce, relayed
from circumvent.names.probe import probe_names
from circumvent.net.errors import CannotTry, PeerError, StepFailed
from circumvent.net.failure import rcode_failure, translate

if TYPE_CHECKING:
    from circumvent.net.stream import DatagramStream
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context

#: Seconds after which the question for certificates is asked again, each time since the one before.
REPEAT_AFTER: Final = (0.5, 0.8, 1.5)
#: The share of the step's time that UDP gets before the certificate is fetched over TCP.
UDP_SHARE: Final = 0.55
#: A relay passes on no response that is longer than its query, so that one is padded to this many bytes.
RELAYED_QUERY_BYTES: Final = 512
#: A response over UDP must not be longer than its query, and answers with DNSSEC records take a kilobyte.
QUERY_BYTES: Final = 1024
#: After a wrong answer over UDP, which anybody can send, the right one is waited for so long (seconds).
AFTER_WRONG: Final = 0.5
#: What UDP did, beside failure strings.
WORKS: Final = "works"
CUT: Final = "cut"


class DnscryptTransport:
    """Steps: ``connect``, ``tunnel_handshake`` (the certificate), then those of every resolver."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Fetch and check the certificate, then probe the resolver inside its encryption."""
        way = _way(option, context)
        datagrams = await context.dialer.datagram(way.next_hop, context.trace)
        try:
            certificate, over_udp = await _handshake(way, datagrams)
            cipher = Cipher(certificate, context.random, shortest=QUERY_BYTES)
            if over_udp:
                await probe_names(DnscryptSession(way, datagrams, cipher), option, context, datagram=True)
            else:
                # Over TCP each question has a connection of its own: nothing is sustained there.
                short = replace(context, goal=Proof.CARRIED)
                await probe_names(
                    _StreamOnly(DnscryptSession(way, datagrams, cipher)), option, short, datagram=False
                )
        finally:
            await datagrams.aclose()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How packets go to the server: straight, or through a relay with the server's address before them."""

    context: Context
    settings: DnscryptSettings
    next_hop: Endpoint
    server: tuple[str, int] | None
    provider: dns.name.Name

    def packet(self, packet: bytes) -> bytes:
        """Return what to send to the next hop."""
        return packet if self.server is None else relayed(packet, *self.server)

    async def over_stream(self, packet: bytes) -> bytes:
        """Send one packet over a TCP connection of its own and return the answer (one a connection).

        :raises StepFailed: when the connection failed.
        :raises OSError: as the system raises it.
        :raises anyio.EndOfStream: when the peer closed first.
        """
        trace = self.context.trace
        before = trace.failure
        try:
            stream = await self.context.dialer.stream(self.next_hop, trace)
        except StepFailed:
            trace.failure = before  # whoever asked decides whether the attempt has failed
            raise
        try:
            data = self.packet(packet)
            await stream.send(len(data).to_bytes(2, "big") + data)
            answer = b""
            while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2], "big"):
                answer += await stream.receive()
            return answer[2 : 2 + int.from_bytes(answer[:2], "big")]
        finally:
            await stream.aclose()


def _way(option: Option, context: Context) -> Way:
    settings = option.settings
    if not isinstance(settings, DnscryptSettings):
        raise CannotTry(Reason.UNSUPPORTED, "a DNSCrypt server needs its provider name and key")
    try:
        provider = dns.name.from_text(settings.provider)
    except (dns.exception.DNSException, UnicodeError) as exc:
        raise CannotTry(Reason.UNSUPPORTED, "the provider name is no DNS name") from exc
    if settings.relay is None:
        return Way(
            context=context, settings=settings, next_hop=option.endpoint, server=None, provider=provider
        )
    if not option.endpoint.known_addresses:
        raise CannotTry(Reason.UNSUPPORTED, "a relay needs the server's address")
    server = (option.endpoint.known_addresses[0], option.endpoint.port)
    return Way(context=context, settings=settings, next_hop=settings.relay, server=server, provider=provider)


async def _handshake(way: Way, datagrams: DatagramStream) -> tuple[Certificate, bool]:
    """Return the certificate to use, and whether queries go over UDP; TCP is asked where UDP fails."""
    trace = way.context.trace
    async with trace.step("tunnel_handshake") as step:
        if way.server is not None:
            step.detail["via_relay"] = True
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        search = _Search(way, datagrams, step)
        with anyio.move_on_after(UDP_SHARE * limit):
            await search.run()
        step.detail["udp"] = search.outcome
        certificate = search.certificate
        if certificate is None:
            certificate = await _certificate_over_tcp(way, search.wrong)
        trace.prove(Proof.HANDSHAKEN)
        step.detail["construction"] = certificate.construction
        step.detail["serial"] = certificate.serial
        step.detail["not_before"] = certificate.since
        step.detail["not_after"] = certificate.until
        return certificate, search.outcome in {WORKS, CUT}
    raise AssertionError  # pragma: no cover - a step that fails raises


async def _certificate_over_tcp(way: Way, wrong: PeerError | None) -> Certificate:
    """Return the certificate; what was ``wrong`` over UDP counts when TCP brings nothing.

    :raises PeerError: when the answer is wrong, or was over UDP.
    :raises StepFailed: when the connection failed.
    """
    query = _certificate_query(way)
    try:
        return _read_certificate(way, query, await way.over_stream(query.to_wire()))
    except (StepFailed, PeerError, OSError, anyio.EndOfStream):
        if wrong is not None:
            raise wrong from None
        raise
    except _CutError as exc:
        raise PeerError(failures.WRONG_ANSWER, "an answer over TCP that says it was cut") from exc


@dataclass(slots=True)
class _Search:
    """Asks for certificates over UDP. ``outcome`` stands at any moment, whenever the search is ended."""

    way: Way
    datagrams: DatagramStream
    step: OpenStep
    certificate: Certificate | None = None
    wrong: PeerError | None = None
    outcome: str = failures.GENERIC_TIMEOUT

    async def run(self) -> None:
        """Ask until there is a certificate, a wrong answer and no right one for a while, or an error."""
        query = _certificate_query(self.way)
        try:
            for wait in (*REPEAT_AFTER, None):
                await self.datagrams.send(self.way.packet(query.to_wire()))
                with anyio.move_on_after(wait) as patience:
                    await self._listen(query, patience)
                if self.certificate is not None or self.wrong is not None:
                    return
        except OSError as exc:
            self.outcome = translate(exc, self.step.name).error
        except _CutError:
            self.outcome = CUT

    async def _listen(self, query: dns.message.Message, patience: anyio.CancelScope) -> None:
        trace = self.way.context.trace
        sent = trace.clock.now()
        while True:
            answer = await self.datagrams.receive()
            try:
                self.certificate = _read_certificate(self.way, query, answer.data)
            except PeerError as exc:
                # Over UDP anybody can answer first: the right answer may be on its way.
                if self.wrong is None:
                    patience.deadline = anyio.current_time() + AFTER_WRONG
                self.wrong, self.outcome = exc, exc.error
            else:
                trace.round_trip(answer.arrived - sent)
                self.wrong, self.outcome = None, WORKS
                return


class _CutError(Exception):
    """The answer was cut (TC): ask over TCP."""


def _certificate_query(way: Way) -> dns.message.Message:
    query = dns.message.make_query(way.provider, "TXT", id=way.context.random.getrandbits(16))
    if way.server is not None:
        query.use_edns(payload=RELAYED_QUERY_BYTES, pad=RELAYED_QUERY_BYTES)
    return query


def _read_certificate(way: Way, query: dns.message.Message, wire: bytes) -> Certificate:
    try:
        answer = dns.message.from_wire(wire)
        if not query.is_response(answer):
            raise PeerError(failures.WRONG_ANSWER, "not the answer to our question")
    except dns.exception.DNSException as exc:
        raise PeerError(failures.WRONG_ANSWER, "the answer is no DNS message") from exc
    way.context.trace.prove(Proof.REACHED)
    if answer.flags & dns.flags.TC:
        raise _CutError
    if answer.rcode() != dns.rcode.NOERROR:
        error, detail = rcode_failure(answer.rcode())
        raise PeerError(error, detail)
    records = [
        b"".join(record.strings)
        for rrset in answer.answer
        if rrset.rdtype == dns.rdatatype.TXT and rrset.name == way.provider
        for record in rrset
    ]
    return choose_certificate(records, way.settings.public_key, way.context.trace.clock.wall())


@dataclass(slots=True)
class _Waiter:
    """A question on its way, and its answer once that is here."""

    answer: bytes | None = None
    wake: anyio.Event = field(default_factory=anyio.Event)


class DnscryptSession:
    """Questions in boxes over one UDP socket. Whoever waits longest reads for all the others."""

    def __init__(self, way: Way, datagrams: DatagramStream, cipher: Cipher) -> None:
        """Ask with ``cipher`` over an open socket."""
        self._way = way
        self._datagrams = datagrams
        self._cipher = cipher
        self._waiting: dict[bytes, _Waiter] = {}
        self._reading = False

    async def query(self, message: bytes) -> bytes:
        """Ask over UDP; what is no box for us is thrown away, as the specification wants it."""
        packet, half = self._cipher.seal(message, stream=False)
        waiter = self._waiting[half] = _Waiter()
        try:
            await self._datagrams.send(self._way.packet(packet))
            return await self._answer(waiter)
        finally:
            del self._waiting[half]

    async def query_over_stream(self, message: bytes) -> bytes:
        """Ask over a TCP connection of its own; later questions over UDP are longer, for longer answers."""
        self._cipher.grow()
        packet, half = self._cipher.seal(message, stream=True)
        answer = await self._way.over_stream(packet)
        if half_nonce(answer) != half:
            raise PeerError(failures.WRONG_ANSWER, "not the response to our query")
        return self._cipher.unseal(answer)

    async def _answer(self, waiter: _Waiter) -> bytes:
        while waiter.answer is None:
            if self._reading:
                await waiter.wake.wait()
                waiter.wake = anyio.Event()
                continue
            self._reading = True
            try:
                while waiter.answer is None:
                    self._take((await self._datagrams.receive()).data)
            finally:
                self._reading = False
                self._hand_over(waiter)
        return waiter.answer

    def _take(self, response: bytes) -> None:
        waiter = self._waiting.get(half_nonce(response) or b"")
        if waiter is None:
            return
        try:
            waiter.answer = self._cipher.unseal(response)
        except PeerError:
            return
        waiter.wake.set()

    def _hand_over(self, done: _Waiter) -> None:
        """Wake one that still waits, so that somebody reads."""
        for waiter in self._waiting.values():
            if waiter is not done and waiter.answer is None:
                waiter.wake.set()
                return


@dataclass(frozen=True, slots=True)
class _StreamOnly:
    """A session where UDP does not get through: every question goes over TCP."""

    session: DnscryptSession

    async def query(self, message: bytes) -> bytes:
        """Ask over a TCP connection of its own."""
        try:
            return await self.session.query_over_stream(message)
        except StepFailed as exc:
            raise PeerError(exc.error, exc.detail) from exc


TRANSPORT = DnscryptTransport()
